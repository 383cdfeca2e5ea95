"""A case in chosen dtypes, bound to the kernel under test: what the checks run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from dovetail_protocols import dtypes as dt
from dovetail_protocols.binding import bind_attributes, operand_of
from dovetail_protocols.errors import DovetailError
from dovetail_protocols.kernels import CallMeta, KernelSpec, Unsupported
from dovetail_protocols.metas import Device, TensorMeta
from dovetail_protocols.operation import Operation

from .cases import Buffer, Case
from .device_kernels import on_host
from .layouts import place
from .numpy_dtypes import dovetail_dtype, numpy_dtype

DEFAULTS = {"I": "int32", "B": "bool", "M": "bool", "R": "uint64"}
"""Dtypes of type variables that a trial doesn't vary; the others take float32, or the first that is declared."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A kernel in one choice of dtypes: `variable` is tried in `dtype`, the other type variables in their defaults.

    `variable` is "" for operations without operands. `implementation` is what binds calls, where it isn't the one that
    the spec names.
    """

    spec: KernelSpec
    operation: Operation
    variable: str
    dtype: str
    cases: tuple[Case, ...]
    implementation: Callable[[CallMeta], Any] | None = None

    def __str__(self) -> str:
        return f"{self.spec.id}-{self.variable}-{self.dtype}" if self.variable else self.spec.id


@dataclass(frozen=True, slots=True)
class Call:
    """A case with its operands made: what `infer` says of it and the kernel bound to it, or why there is none.

    `inputs` and results are arrays of the host, whatever the kernel's device.
    """

    trial: Trial
    case: Case
    inputs: tuple[Buffer | None, ...]
    meta: CallMeta
    several: bool
    outcome: Any

    @property
    def is_accepted(self) -> bool:
        return not isinstance(self.outcome, Unsupported)

    def run(self, *inputs: Buffer | None) -> Any:
        """What the kernel gives. NumPy's warnings of NaN and infinities are kept quiet: they are values here.

        Raises: what the kernel raises. TypeError where it gives anything but buffers.
        """
        with np.errstate(all="ignore"):
            given = self.outcome(*inputs)
        for result in given if isinstance(given, tuple) else (given,):
            if not isinstance(result, np.ndarray | np.generic):
                raise TypeError(f"the kernel gave a {type(result).__name__}, which is no buffer")
        return given


def trials_of(spec: KernelSpec, operation: Operation, cases: Sequence[Case]) -> Iterator[Trial]:
    """One trial for each dtype of each type variable that the spec claims."""
    claimed = claims_of(spec, operation)
    if not claimed:
        yield Trial(spec, operation, "", "", tuple(cases))
    for variable, names in claimed.items():
        for known in dt.ALL:
            if known.name in names:
                yield Trial(spec, operation, variable, known.name, tuple(cases))


def claims_of(spec: KernelSpec, operation: Operation) -> dict[str, frozenset[str]]:
    """The dtypes claimed for each type variable: those declared, else all that the operation takes."""
    taken: dict[str, frozenset[str]] = {}
    for operand in operation.operands:
        taken[operand.type_variable] = taken.get(operand.type_variable, operand.dtypes) & operand.dtypes
    return {variable: frozenset(spec.dtypes.get(variable, names)) for variable, names in taken.items()}


def calls_of(trial: Trial) -> Iterator[Call]:
    """The trial's cases that `infer` accepts in its dtypes. Those that it refuses are no claim of the kernel's.

    Each is tried with the other type variables in their defaults, and where that differs with the floating ones in the
    dtype of the trial too: many kernels take parameters and statistics of one dtype only.
    """
    kind = dt.dtype(trial.dtype).kind if trial.dtype else ""
    for case in trial.cases:
        if case.kinds is not None and kind not in case.kinds:
            continue
        for choice in _choices(trial):
            call = _bound(trial, case, choice)
            if call is not None:
                yield call


def _choices(trial: Trial) -> list[dict[str, str]]:
    """Dtypes for all type variables."""
    claimed = {v: names for v, names in claims_of(trial.spec, trial.operation).items() if names}
    if not trial.variable:
        return [{}]
    plain = {variable: _default(variable, names) for variable, names in claimed.items()}
    alike = {
        variable: trial.dtype if trial.dtype in names and variable not in DEFAULTS else plain[variable]
        for variable, names in claimed.items()
    }
    choices = [plain | {trial.variable: trial.dtype}, alike | {trial.variable: trial.dtype}]
    return choices[:1] if choices[0] == choices[1] else choices


def _default(variable: str, claimed: frozenset[str]) -> str:
    wanted = DEFAULTS.get(variable, "float32")
    return wanted if wanted in claimed else min(claimed)


def _bound(trial: Trial, case: Case, choice: Mapping[str, str]) -> Call | None:
    """A case in chosen dtypes, bound; None where `infer` refuses it."""
    inputs = _inputs(trial.operation, case, choice)
    attributes = bind_attributes(trial.operation, case.attributes)
    if "device" in attributes and trial.spec.device != "cpu":
        attributes = {**attributes, "device": Device(trial.spec.device)}
    try:
        meta, several = call_meta(trial.operation, inputs, attributes, trial.spec.device)
    except DovetailError:
        return None
    implementation = trial.implementation or implementation_of(trial.spec)
    return Call(trial, case, inputs, meta, several, on_host(implementation(meta), trial.spec))


def _inputs(operation: Operation, case: Case, choice: Mapping[str, str]) -> tuple[Buffer | None, ...]:
    """The operands of a case in chosen dtypes, None for optional ones left out."""
    made: list[Buffer | None] = []
    for position, recipe in enumerate(case.operands):
        if recipe is None:
            made.append(None)
            continue
        name = recipe.dtype or choice[operand_of(operation, position).type_variable]
        # Among canaries even where none are counted: a kernel that writes past its inputs must not end the process.
        made.append(place(recipe.make(numpy_dtype(name), position)).array)
    missing = sum(not operand.variadic for operand in operation.operands) - len(made)
    return (*made, *[None] * missing)


def call_meta(
    operation: Operation, inputs: Sequence[Buffer | None], attributes: Mapping[str, Any], device: str
) -> tuple[CallMeta, bool]:
    """What an implementation is told of a call, and whether the operation gives a tuple.

    Raises: what `infer` raises.
    """
    metas = tuple(
        None if array is None else TensorMeta(array.shape, dovetail_dtype(array.dtype), Device(device))
        for array in inputs
    )
    results = operation.infer_with_values(metas, attributes)
    several = isinstance(results, tuple)
    return CallMeta(operation, metas, attributes, results if isinstance(results, tuple) else (results,)), several


def implementation_of(spec: KernelSpec) -> Any:
    """What `spec.implementation` names."""
    module, _, attribute = spec.implementation.partition(":")
    return getattr(import_module(module), attribute)


def as_results(given: Any, *, several: bool) -> tuple[Buffer, ...]:
    """A kernel's results as a tuple of arrays."""
    return tuple(np.asarray(result) for result in (given if several else (given,)))
