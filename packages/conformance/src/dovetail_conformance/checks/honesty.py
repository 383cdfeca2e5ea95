"""L1: what a package declares is so. Accepted calls run and give what `infer` says; refusals carry a reason; what the
operation doesn't take isn't claimed; every dtype that is claimed is proved by a call."""

from __future__ import annotations

import numpy as np

from dovetail_protocols.kernels import KernelSpec, SupportsDestination, Unsupported
from dovetail_protocols.metas import UNKNOWN_SIZE, TensorMeta
from dovetail_protocols.operation import Operation

from ..calls import Call, Trial, as_results, calls_of, claims_of
from ..cases import Buffer
from ..numpy_dtypes import numpy_dtype


def declaration_problems(spec: KernelSpec, operation: Operation) -> list[str]:
    """What is wrong with a declaration by itself, beside the operation that it names."""
    found = []
    variables = {operand.type_variable for operand in operation.operands}
    for variable in sorted(set(spec.dtypes) - variables):
        found.append(f"{spec.id}: declares dtypes of {variable!r}; {operation.short_name} has only {sorted(variables)}")
    for variable, names in claims_of(spec, operation).items():
        taken = frozenset[str]().union(*(o.dtypes for o in operation.operands if o.type_variable == variable))
        if names - taken:
            surplus = ", ".join(sorted(names - taken))
            found.append(f"{spec.id}: claims {surplus} for {variable}, which {operation.short_name} doesn't take")
        if not names:
            found.append(f"{spec.id}: claims no dtype for {variable}")
    low, high = spec.operation_versions
    if not low <= operation.version <= high:
        found.append(f"{spec.id}: speaks versions {low} to {high} of {operation.name}, not {operation.version}")
    return found


def problems(trial: Trial) -> list[str]:
    """What is wrong with what a kernel accepts in one choice of dtypes, and with how it refuses."""
    found: list[str] = []
    for call in calls_of(trial):
        if call.is_accepted:
            found += [f"{call.case.name}: {problem}" for problem in _run_problems(call)]
        elif not isinstance(call.outcome.reason, str) or not call.outcome.reason.strip():
            found.append(f"{call.case.name}: refused without a reason")
    return found


def proof_problems(trial: Trial) -> list[str]:
    """Why a claimed choice of dtypes is not proved: no case of it is accepted."""
    if any(call.is_accepted for call in calls_of(trial)):
        return []
    what = f"{trial.variable} = {trial.dtype}" if trial.variable else "any call"
    why = (
        f"none of {len(trial.cases)} cases was accepted" if trial.cases else "there is no case; pass cases=, or --cases"
    )
    return [f"{trial.spec.id} is not proved for {what}: {why}"]


def _run_problems(call: Call) -> list[str]:
    if not callable(call.outcome):
        return [f"the implementation gave {call.outcome!r}, which is neither a kernel nor Unsupported"]
    try:
        given = call.run(*call.inputs)
    except Exception as error:  # noqa: BLE001 - a kernel may raise anything; it accepted the call
        return [f"accepted the call, then failed by {type(error).__name__}: {error}"]
    if call.several != isinstance(given, tuple):
        return [f"gave a {type(given).__name__} where infer says {'a tuple' if call.several else 'one result'}"]
    return result_problems(as_results(given, several=call.several), call.meta.results)


def result_problems(results: tuple[Buffer, ...], metas: tuple[TensorMeta, ...]) -> list[str]:
    """What of results differs from what `infer` says of them, in shape and dtype."""
    if len(results) != len(metas):
        if not (len(metas) == 1 and UNKNOWN_SIZE in metas[0].shape):
            return [f"gave {len(results)} results; infer says {len(metas)}"]
        metas = metas * len(results)
    found = []
    for number, (result, meta) in enumerate(zip(results, metas, strict=True)):
        fits = len(result.shape) == len(meta.shape) and all(
            wanted in (size, UNKNOWN_SIZE) for size, wanted in zip(result.shape, meta.shape, strict=True)
        )
        if not fits:
            found.append(f"result {number} has shape {result.shape}; infer says {meta.shape}")
        if result.dtype != numpy_dtype(meta.dtype.name):
            found.append(f"result {number} has dtype {np.dtype(result.dtype).name}; infer says {meta.dtype}")
    return found


def supports_destination(kernel: object) -> bool:
    """Whether a kernel offers to write into outputs that were allocated before."""
    return isinstance(kernel, SupportsDestination)


def refusals(trial: Trial) -> list[str]:
    """The reasons given for calls that were refused, for reports."""
    return [c.outcome.reason for c in calls_of(trial) if isinstance(c.outcome, Unsupported)]
