"""What the tests of kernels share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dovetail_kernels_numpy.package import PACKAGE
from dovetail_protocols import dtypes as dt
from dovetail_protocols.kernels import CallMeta
from dovetail_protocols.metas import UNKNOWN_SIZE, TensorMeta
from dovetail_protocols.operation import Operation


@pytest.fixture(scope="session")
def compute() -> Callable[..., Any]:
    """`compute(operation, *arrays, **attributes)`: the kernel's result on NumPy arrays (None for an operand left out),
    without a tensor package, and checked against what the operation infers."""
    from importlib import import_module

    implementations = {spec.operation: spec.implementation.split(":") for spec in PACKAGE.kernels()}

    def run(operation: Operation, *arrays: Any, **attributes: Any) -> Any:
        values = [None if array is None else np.asarray(array) for array in arrays]
        values += [None for operand in operation.operands[len(values) :] if operand.optional]
        metas = tuple(None if v is None else TensorMeta(v.shape, dt.dtype(v.dtype.name)) for v in values)
        complete = {**operation._defaults, **attributes}
        inferred = operation.infer_with_values(metas, complete)
        several = isinstance(inferred, tuple)
        results = inferred if isinstance(inferred, tuple) else (inferred,)
        module, name = implementations[operation.name]
        kernel = getattr(import_module(module), name)(CallMeta(operation, metas, complete, results))
        found = kernel(*values)
        arrays_found = tuple(map(np.asarray, found if several else (found,)))
        for array, meta in zip(arrays_found, results, strict=True):
            known = tuple(
                UNKNOWN_SIZE if size == UNKNOWN_SIZE else found
                for found, size in zip(array.shape, meta.shape, strict=True)
            )
            assert (known, array.dtype.name) == (meta.shape, meta.dtype.name)
        return arrays_found if several else arrays_found[0]

    return run


@pytest.fixture(scope="session")
def decomposed() -> Callable[..., Any]:
    """`decomposed(operation, *arrays, **attributes)`: the same by the operation's decomposition, on tensors."""
    from dovetail_protocols.arrays import provider

    def run(operation: Operation, *arrays: Any, **attributes: Any) -> Any:
        operands = [provider().convert(np.asarray(array)) for array in arrays]
        found = operation.decompose(*operands, **{**operation._defaults, **attributes})
        return tuple(one.numpy() for one in found) if isinstance(found, tuple) else found.numpy()

    return run
