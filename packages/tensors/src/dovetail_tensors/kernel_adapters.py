"""What stands between a chosen kernel and its buffers where the kernel's declaration, or debug mode, asks for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from dovetail_protocols.errors import KernelError
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.operation import Operation
from dovetail_protocols.selection import Selection

from .devices import package_of
from .numpy_dtypes import dovetail_dtype

Kernel = Callable[..., Any]


def adapted(selection: Selection, operation: Operation, attributes: Mapping[str, Any]) -> Kernel | None:
    """The chosen kernel as eager evaluation calls it, or None where none was chosen.

    One that declares the contiguous layout gets C-contiguous buffers. With DOVETAIL_DEBUG=1 in the environment when a
    kernel is bound, the shapes and dtypes of its results are compared with what the operation infers.
    """
    if selection.kernel is None or selection.chosen is None:
        return None
    kernel: Kernel = selection.kernel
    spec = selection.chosen.spec
    if "strided" not in spec.layouts:
        kernel = _taking_contiguous(kernel, package_of(spec.device).contiguous)
    if is_debugging():
        kernel = _checking(kernel, f"{selection.chosen.package}/{spec.id}", spec.device, operation, attributes)
    return kernel


def is_debugging() -> bool:
    """Whether the environment asks for checks of kernels: DOVETAIL_DEBUG is set, and not to 0."""
    return os.environ.get("DOVETAIL_DEBUG", "0") not in ("", "0")


def _taking_contiguous(kernel: Kernel, contiguous: Callable[[Any], Any]) -> Kernel:
    def call(*buffers: Any) -> Any:
        return kernel(*[None if buffer is None else contiguous(buffer) for buffer in buffers])

    return call


def _checking(kernel: Kernel, name: str, kind: str, operation: Operation, attributes: Mapping[str, Any]) -> Kernel:
    def meta_of(buffer: Any) -> TensorMeta:
        array = np.asarray(package_of(kind).to_host(buffer))
        return TensorMeta(tuple(buffer.shape), dovetail_dtype(array.dtype))

    def call(*buffers: Any) -> Any:
        results = kernel(*buffers)
        metas = [None if buffer is None else meta_of(buffer) for buffer in buffers]
        declared = operation.infer_with_values(metas, attributes)
        several = isinstance(declared, tuple)
        given = [meta_of(result) for result in (results if several else (results,))]
        expected = declared if isinstance(declared, tuple) else (declared,)
        if len(given) != len(expected) or not all(map(_matches, given, expected)):
            raise KernelError(
                f"kernel {name} gave what {operation.short_name} does not declare",
                where=f"{operation.short_name}({', '.join(map(str, metas))})",
                expected=f"declared {', '.join(map(_shown, expected))}",
                got=f"gave {', '.join(map(_shown, given))}",
                fix=f"report it to the kernel's package; set DOVETAIL_KERNELS=-{name.partition('/')[0]} to go without",
            )
        return results

    return call


def _matches(given: TensorMeta, declared: TensorMeta) -> bool:
    # A data-dependent size is declared as -1.
    sizes = len(given.shape) == len(declared.shape) and all(
        wanted in (size, -1) for size, wanted in zip(given.shape, declared.shape, strict=True)
    )
    return sizes and given.dtype is declared.dtype


def _shown(meta: TensorMeta) -> str:
    return f"{meta.shape} {meta.dtype}"
