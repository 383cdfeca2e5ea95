"""Whether gradients reach each trainable variable of a module, asked of whatever package differentiates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dovetail_protocols import operations as ops
from dovetail_protocols.dispatch import apply_under, current, interpreting
from dovetail_protocols.operation import Operation

from ..cases import SEED
from ..module_cases import ModuleCase
from ..tolerances import unit
from .modules import arrays_of, built, results_of
from .states import all_bits, buffer_of, restore_values, wrapped

ROUNDINGS = 64.0
"""Times ε of the greatest gradient: below that a gradient is what rounding leaves of zero."""


class Substituting:
    """An interpreter in which some variables read as given arrays, so that a function of variables is one of arrays."""

    def __init__(self, values: Mapping[int, Any]) -> None:
        self.values, self.parent = values, current()

    def apply(self, operation: Operation, operands: tuple[Any, ...], attributes: Mapping[str, Any]) -> Any:
        if operation is ops.read_variable and id(operands[0]) in self.values:
            return self.values[id(operands[0])]
        return apply_under(self.parent, operation, operands, attributes)


def problems(case: ModuleCase, differentiator: Any) -> list[str]:
    """Trainable variables that gradients don't reach, undeclared; and declared ones that they do reach."""
    module = built(case)
    sources = [variable for variable in module.trainable_variables if variable.meta.dtype.is_floating]
    known = {variable.name for variable in sources}
    found = [f"unreached={name!r}: no trainable variable has that name" for name in sorted(case.unreached - known)]
    if not sources:
        return found
    before = all_bits(module.variables)
    values = [wrapped(buffer_of(variable)) for variable in sources]
    _, gradients = differentiator.value_and_gradients(lambda *arrays: _loss(case, module, sources, arrays), values)
    restore_values(module.variables, before)
    sizes = [
        0.0 if one is None else float(np.abs(np.asarray(one.payload, np.float64)).max(initial=0)) for one in gradients
    ]
    for variable, size in zip(sources, sizes, strict=True):
        reached = size > ROUNDINGS * unit(buffer_of(variable).dtype) * max(sizes)
        if not reached and variable.name not in case.unreached:
            found.append(f"no gradient reaches trainable variable {variable.name!r}, {variable.meta}")
        if reached and variable.name in case.unreached:
            found.append(f"gradients do reach {variable.name!r}, which is declared unreached")
    return found


def _loss(case: ModuleCase, module: Any, sources: list[Any], arrays: tuple[Any, ...]) -> Any:
    """All floating results, weighted at random: a plain sum would hide gradients that sum to zero."""
    substituting = Substituting({id(variable): array for variable, array in zip(sources, arrays, strict=True)})
    with interpreting(substituting):
        terms = []
        for place, result in enumerate(results_of(case.call(module, *arrays_of(case.inputs)))):
            if result.dtype.is_floating:
                weight = np.random.default_rng([SEED, place]).uniform(0.5, 1.5, result.shape)
                terms.append(ops.sum(ops.multiply(ops.cast(result, dtype="float64"), wrapped(weight))))
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return total
