"""One operation on the device, as the tests call it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dovetail_kernels_xla.device import DEVICE
from dovetail_kernels_xla.kernels import bind
from dovetail_protocols import CallMeta, TensorMeta, dtype
from dovetail_protocols.binding import bind_attributes
from dovetail_protocols.kernels import Unsupported
from dovetail_protocols.metas import Device
from dovetail_protocols.operation import Operation


def meta_of(array: Any) -> TensorMeta | None:
    return None if array is None else TensorMeta(array.shape, dtype(array.dtype.name), Device("xla"))


@pytest.fixture
def run() -> Callable[..., Any]:
    """The results of an operation's kernel for NumPy arrays, as NumPy arrays."""

    def run_one(operation: Operation, *operands: Any, **given: Any) -> Any:
        arrays = [None if operand is None else np.asarray(operand) for operand in operands]
        attributes = bind_attributes(operation, given)
        if "device" in attributes:
            attributes = {**attributes, "device": Device("xla")}
        metas = tuple(map(meta_of, arrays))
        results = operation.infer_with_values(metas, attributes)
        declared = results if isinstance(results, tuple) else (results,)
        kernel = bind(CallMeta(operation, metas, attributes, declared))
        assert not isinstance(kernel, Unsupported), kernel
        found = kernel(*(None if array is None else DEVICE.from_host(array, 0) for array in arrays))
        return tuple(map(DEVICE.to_host, found)) if isinstance(results, tuple) else DEVICE.to_host(found)

    return run_one
