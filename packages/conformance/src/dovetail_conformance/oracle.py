"""The right result of a call: from a case's own oracle, the operation's decomposition, or the reference kernels.

All in float64: the operands are those of the call, which have the call's dtypes, converted without a loss.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from dovetail_protocols import arrays, selection
from dovetail_protocols.dispatch import interpreting
from dovetail_protocols.kernels import Unsupported
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.operation import Operation
from dovetail_protocols.plugins import find
from dovetail_protocols.plugins.policy import use
from dovetail_protocols.records import replace as replace_fields

from .calls import Call, as_results, call_meta, implementation_of
from .cases import Buffer
from .numpy_dtypes import dovetail_dtype

REFERENCE = "numpy"
"""The kernel package whose kernels are the reference."""


def expected_results(call: Call) -> tuple[Buffer, ...] | None:
    """The right results, floating ones in float64 (unless the case is exact); None where nothing gives them."""
    with np.errstate(all="ignore"):
        return _expected(call)


def _expected(call: Call) -> tuple[Buffer, ...] | None:
    inputs = call.inputs if call.case.exact else tuple(map(_widened, call.inputs))
    if "device" in call.meta.attributes:  # the reference is computed here
        call = replace(call, meta=replace_fields(call.meta, attributes={**call.meta.attributes, "device": None}))
    if call.case.oracle is not None:
        return as_results(call.case.oracle(*inputs, **call.meta.attributes), several=call.several)
    operation = call.trial.operation
    if not operation.is_primitive and can_trace():
        return _decomposed(operation, inputs, call)
    return _by_reference_kernel(operation, inputs, call)


def _widened(array: Buffer | None) -> Buffer | None:
    if array is None:
        return None
    dtype = dovetail_dtype(array.dtype)
    if dtype.is_differentiable:
        return array.astype(np.complex128 if dtype.is_complex else np.float64)
    return array


def can_trace() -> bool:
    """Whether the packages are here that tracing and kernel-by-kernel evaluation need."""
    return len(find("dovetail.tensors.v1")) == 1 and REFERENCE in selection.packages()


def _decomposed(operation: Operation, inputs: tuple[Buffer | None, ...], call: Call) -> tuple[Buffer, ...]:
    provider = arrays.provider()
    wrapped = [
        None if array is None else provider.wrap(array, TensorMeta(array.shape, dovetail_dtype(array.dtype)))
        for array in inputs
    ]
    with use(REFERENCE, only=True), interpreting(None):
        results = operation.decompose(*wrapped, **call.meta.attributes)
    chosen = results if call.several else (results,)
    return tuple(np.asarray(result.payload) for result in chosen)


def _by_reference_kernel(
    operation: Operation, inputs: tuple[Buffer | None, ...], call: Call
) -> tuple[Buffer, ...] | None:
    package = selection.packages().get(REFERENCE)
    for spec in package.specs if package is not None else ():
        if spec.operation != operation.name:
            continue
        meta, several = call_meta(operation, inputs, call.meta.attributes, "cpu")
        kernel: Any = implementation_of(spec)(meta)
        if not isinstance(kernel, Unsupported):
            return as_results(kernel(*inputs), several=several)
    return None
