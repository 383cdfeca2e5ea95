"""Whether what a kernel gives is what its operation declares: looked at once, in debug mode each time."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from dovetail_protocols.errors import KernelError
from dovetail_protocols.metas import CPU, TensorMeta
from dovetail_protocols.operation import Operation

from .devices import package_of
from .numpy_dtypes import dovetail_dtype

Kernel = Callable[..., Any]
Operands = Sequence[TensorMeta | None] | None


def is_debugging() -> bool:
    """Whether the environment asks for checks of kernels: DOVETAIL_DEBUG is set, and not to 0."""
    return os.environ.get("DOVETAIL_DEBUG", "0") not in ("", "0")


class CheckedOnce:
    """A kernel whose results are compared with the declaration until they fit once; afterwards it is only called.

    Raises, when called: KernelError for results of another number, shape or (on the CPU) dtype than declared.
    """

    __slots__ = ("_fits", "_kernel", "_verified")

    def __init__(
        self,
        kernel: Kernel,
        name: str,
        kind: str,
        operation: Operation,
        attributes: Mapping[str, Any],
        operands: Operands = None,
    ) -> None:
        self._kernel, self._fits = kernel, False
        # Elsewhere only a copy to the host tells the dtype, which is much to ask of a first call.
        self._verified = verified(kernel, name, kind, operation, attributes, operands, dtypes=kind == CPU.kind)

    def __call__(self, *buffers: Any) -> Any:
        if self._fits:
            return self._kernel(*buffers)
        results = self._verified(*buffers)
        self._fits = True
        return results


def verified(
    kernel: Kernel,
    name: str,
    kind: str,
    operation: Operation,
    attributes: Mapping[str, Any],
    operands: Operands = None,
    *,
    dtypes: bool = True,
) -> Kernel:
    """A kernel whose results are compared with the declaration at each call; `dtypes`: also what they consist of.
    `operands`: those that it was bound for, whose dtypes and device all others share.

    Raises, when called: KernelError for results that don't fit.
    """

    def call(*buffers: Any) -> Any:
        results = kernel(*buffers)
        bound = (None,) * len(buffers) if operands is None else operands
        metas = [
            _meta_of(buffer, kind) if meta is None or buffer is None else _reshaped(meta, buffer)
            for meta, buffer in zip(bound, buffers, strict=True)
        ]
        declared = operation.infer_with_values(metas, attributes)
        several = isinstance(declared, tuple)
        expected = declared if isinstance(declared, tuple) else (declared,)
        shown = _shown_results(results if several else (results,), kind, expected, dtypes=dtypes)
        if shown is not None:
            raise KernelError(
                f"kernel {name} gave what {operation.short_name} does not declare",
                where=f"{operation.short_name}({', '.join(map(str, metas))})",
                expected=f"declared {', '.join(map(_shown, expected))}",
                got=f"gave {shown}",
                fix=f"report it to the kernel's package; set DOVETAIL_KERNELS=-{name.partition('/')[0]} to go without",
            )
        return results

    return call


def _shown_results(results: Any, kind: str, expected: Sequence[TensorMeta], *, dtypes: bool) -> str | None:
    """What results are, for a reader; None where they fit."""
    if not isinstance(results, (tuple, list)):
        return f"a {type(results).__name__}, not a tuple"
    fits, shown = len(results) == len(expected), []
    for place, result in enumerate(results):
        try:
            given = _meta_of(result, kind) if dtypes else None
            shape = tuple(result.shape) if given is None else given.shape
        except Exception:  # noqa: BLE001 - whatever isn't a buffer may raise anything when it is asked
            fits = False
            shown.append(f"a {type(result).__name__}")
            continue
        shown.append(f"{shape}" if given is None else _shown(given))
        fits = fits and _matches(shape, None if given is None else given.dtype, expected[place])
    return None if fits else ", ".join(shown) or "nothing"


def _reshaped(meta: TensorMeta, buffer: Any) -> TensorMeta:
    return TensorMeta(tuple(buffer.shape), meta.dtype, meta.device)


def _meta_of(buffer: Any, kind: str) -> TensorMeta | None:
    """What a buffer is; on other devices than the CPU only a copy to the host tells.

    Raises: TypeError for what is no buffer of the CPU; whatever the package of another device raises.
    """
    if buffer is None:
        return None
    if kind == CPU.kind and not isinstance(buffer, np.ndarray | np.generic):
        raise TypeError(f"a {type(buffer).__name__} is no buffer of the CPU")
    array = np.asarray(package_of(kind).to_host(buffer))
    return TensorMeta(tuple(array.shape), dovetail_dtype(array.dtype))


def _matches(shape: tuple[int, ...], dtype: Any, declared: TensorMeta) -> bool:
    # A data-dependent size is declared as -1.
    sizes = len(shape) == len(declared.shape) and all(
        wanted in (size, -1) for size, wanted in zip(shape, declared.shape, strict=True)
    )
    return sizes and (dtype is None or dtype is declared.dtype)


def _shown(meta: TensorMeta) -> str:
    return f"{meta.shape} {meta.dtype}"
