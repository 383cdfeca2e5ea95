"""DLPack: memory that other libraries read, and memory of theirs that becomes a tensor, without copies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dovetail_protocols.errors import DeviceError
from dovetail_protocols.metas import CPU

from .numpy_dtypes import dovetail_dtype
from .signature import signature_of

if TYPE_CHECKING:
    from .tensor import Tensor

CPU_DEVICE = (1, 0)
"""kDLCPU in DLPack's DLDeviceType."""


def dlpack_capsule(
    array: Any, max_version: tuple[int, int] | None, dl_device: tuple[int, int] | None, copy: bool | None
) -> Any:
    """A DLPack capsule of a tensor's buffer, marked read-only where the consumer knows DLPack 1.0 or later.

    An older consumer gets the same memory without the mark, and must not write to it.

    Raises: BufferError for a dtype that DLPack lacks, or a device where the elements are not.
    """
    view = array.view()
    if max_version is not None and max_version[0] >= 1:
        view.flags.writeable = False
    elif not view.flags.writeable:
        view = array.copy()
    return view.__dlpack__(max_version=max_version, dl_device=dl_device, copy=copy)


def dlpack_device(tensor: Tensor) -> tuple[int, int]:
    """DLPack's device type and index of where the elements are."""
    if tensor.device.kind != "cpu":
        raise DeviceError(
            f"DLPack export from {tensor.device} is not offered", fix="move the tensor with .to_device('cpu')"
        )
    return CPU_DEVICE


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor that shares the memory of another library's array; a copy with `copy=True`.

    Whoever keeps the other array must not write to it while the tensor is in use.

    Raises: what the exporter raises (BufferError); DTypeError for a dtype that Dovetail lacks.
    Source: array API 2024.12, from_dlpack.
    """
    from .conversion import to_device
    from .tensor import make

    array = np.from_dlpack(x, copy=copy)
    tensor = make(array, signature_of(dovetail_dtype(array.dtype), CPU))
    return tensor if device is None else to_device(tensor, device)
