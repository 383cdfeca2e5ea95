"""Tensor packages with one fault each, and a right one: all hand what they don't do wrong to the installed package."""

from __future__ import annotations

from typing import Any

import numpy as np

from dovetail_protocols import operations as ops
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.plugins import find

from . import Mutant

RIGHT: Any = find("dovetail.tensors.v1")[0].load()


class Right:
    """Hands all to the installed package."""

    def evaluate(self, operation: Any, operands: Any, attributes: Any) -> Any:
        return RIGHT.evaluate(operation, operands, attributes)

    def convert(self, value: Any, dtype: Any = None, device: Any = None) -> Any:
        return RIGHT.convert(value, dtype, device)

    def wrap(self, payload: Any, meta: Any) -> Any:
        return RIGHT.wrap(payload, meta)

    def variable(self, value: Any, *, name: str | None = None, trainable: bool = True) -> Any:
        return RIGHT.variable(value, name=name, trainable=trainable)

    def is_array(self, value: Any) -> bool:
        return bool(RIGHT.is_array(value))


class Copying(Right):
    def wrap(self, payload: Any, meta: Any) -> Any:
        return RIGHT.wrap(payload.copy() if isinstance(payload, np.ndarray) else payload, meta)


class Aliasing(Right):
    def convert(self, value: Any, dtype: Any = None, device: Any = None) -> Any:
        if type(value) is np.ndarray and dtype is None:
            return RIGHT.wrap(value, TensorMeta(value.shape, RIGHT.convert(value).dtype))
        return RIGHT.convert(value, dtype, device)


class Doubling(Right):
    def convert(self, value: Any, dtype: Any = None, device: Any = None) -> Any:
        return RIGHT.convert(np.asarray(value) if type(value) is float and dtype is None else value, dtype, device)


class Greedy(Right):
    def is_array(self, value: Any) -> bool:
        return RIGHT.is_array(value) or type(value) is np.ndarray


class OverwritingVariable:
    """A variable that copies a new buffer into its own."""

    def __init__(self, variable: Any) -> None:
        self.name, self.trainable = variable.name, variable.trainable
        self.meta, self.payload = variable.meta, variable.payload.copy()

    def replace(self, payload: Any) -> None:
        self.payload[...] = payload

    def snapshot(self) -> Any:
        return RIGHT.wrap(self.payload, self.meta)


class Overwriting(Right):
    def variable(self, value: Any, *, name: str | None = None, trainable: bool = True) -> Any:
        return OverwritingVariable(RIGHT.variable(value, name=name, trainable=trainable))


class Listing(Right):
    def evaluate(self, operation: Any, operands: Any, attributes: Any) -> Any:
        result = RIGHT.evaluate(operation, operands, attributes)
        return list(result) if isinstance(result, tuple) else result


class Confused(Right):
    def evaluate(self, operation: Any, operands: Any, attributes: Any) -> Any:
        if operation is ops.assign_variable:
            operands[0].replace(operands[1].payload)
        return RIGHT.evaluate(operation, operands, attributes)


def mutant(provider: type[Right], what: str, *caught_by: str) -> Mutant:
    def suite() -> type:
        from dovetail_conformance import tensor_suite

        return tensor_suite(provider())  # type: ignore[arg-type] # a provider as anybody might write it, untyped

    return Mutant(name=provider.__name__.lower(), what=what, caught_by=frozenset(caught_by), suite=suite)


MUTANTS = (
    mutant(Right, "hands all to the installed package"),
    mutant(Copying, "copies the buffers that it wraps", "wrap_keeps_buffer_and_meta"),
    mutant(Aliasing, "keeps a NumPy array that it converts", "an_array_does_not_change_with_what_it_was_made_of"),
    mutant(Doubling, "makes Python floats float64", "convert_gives_python_numbers_their_dtype"),
    mutant(Greedy, "takes NumPy arrays for its own", "is_array_knows_its_own"),
    mutant(Overwriting, "replaces a variable's buffer by writing into it", "replace_puts_another_buffer_in_force"),
    mutant(Listing, "gives several results as a list", "evaluate_gives_several_results_as_a_tuple"),
    mutant(Confused, "assigns before it checks the value", "a_refused_assignment_changes_nothing"),
)
