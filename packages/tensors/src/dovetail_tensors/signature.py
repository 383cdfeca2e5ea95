"""What eager dispatch looks at: one interned object for each dtype and device, so that lookups compare identities."""

from __future__ import annotations

from dovetail_protocols import dtypes as dt
from dovetail_protocols.dtypes import DType
from dovetail_protocols.metas import CPU, Device, TensorMeta

_WEAK_SCALARS: dict[str, frozenset[type]] = {
    dt.BOOLEAN: frozenset({bool}),
    dt.SIGNED: frozenset({bool, int}),
    dt.UNSIGNED: frozenset({bool, int}),
    dt.FLOATING: frozenset({bool, int, float}),
    dt.COMPLEX: frozenset({bool, int, float, complex}),
}


class Signature:
    """Dtype and device of a tensor, and the Python scalars that take its dtype when they meet it.

    That of a symbolic tensor is its own, never interned, and holds its shape too, so that it is found in no table of
    kernels.
    """

    __slots__ = ("device", "dtype", "scalars", "shape")

    def __init__(self, dtype: DType, device: Device, shape: tuple[int, ...] | None = None) -> None:
        self.dtype, self.device, self.shape = dtype, device, shape
        self.scalars = _WEAK_SCALARS[dtype.kind]


_on_cpu: dict[DType, Signature] = {dtype: Signature(dtype, CPU) for dtype in dt.ALL}
_elsewhere: dict[tuple[DType, Device], Signature] = {}


def signature_of(dtype: DType, device: Device = CPU) -> Signature:
    """The one signature of concrete tensors of a dtype on a device."""
    if device is CPU or device == CPU:
        return _on_cpu[dtype]
    found = _elsewhere.get((dtype, device))
    return _elsewhere.setdefault((dtype, device), Signature(dtype, device)) if found is None else found


def symbolic_signature(meta: TensorMeta) -> Signature:
    """A signature of its own for one symbolic tensor."""
    return Signature(meta.dtype, meta.device, meta.shape)
