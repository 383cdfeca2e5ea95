"""Kernels of other devices as the checks call them: with arrays of the host, which go to the device and come back.

This is the one place of the suites where buffers are converted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dovetail_protocols.devices import device_package
from dovetail_protocols.kernels import KernelSpec, SupportsDestination

from .cases import Buffer


class InputWrittenError(Exception):
    """A kernel changed a buffer that it was given to read."""


class DeviceKernel:
    """A kernel of another device that takes and gives arrays of the host.

    Raises what the kernel raises, also where it was only queued: results are complete. InputWrittenError.
    """

    def __init__(self, kernel: Callable[..., Any], spec: KernelSpec) -> None:
        self._kernel, self._package = kernel, device_package(spec.device)
        self._takes_strided = "strided" in spec.layouts

    def __call__(self, *inputs: Buffer | None) -> Any:
        placed = self._placed(inputs)
        results = self._kernel(*placed)
        given = tuple(map(self._array_of, results)) if isinstance(results, tuple) else self._array_of(results)
        self._require_unchanged(placed, inputs)
        return given

    def _array_of(self, buffer: Any) -> Buffer:
        array: Buffer = self._package.to_host(buffer)
        if tuple(buffer.shape) != array.shape:
            raise ValueError(f"a result says that its shape is {buffer.shape}, its contents have {array.shape}")
        return array

    def _placed(self, inputs: Sequence[Buffer | None]) -> list[Any]:
        placed = [None if array is None else self._package.from_host(array, 0) for array in inputs]
        if self._takes_strided:
            return placed
        return [None if buffer is None else self._package.contiguous(buffer) for buffer in placed]

    def _require_unchanged(self, placed: Sequence[Any], inputs: Sequence[Buffer | None]) -> None:
        for number, (buffer, array) in enumerate(zip(placed, inputs, strict=True)):
            if array is not None and self._package.to_host(buffer).tobytes() != array.tobytes():
                raise InputWrittenError(f"wrote into input {number}")


class DeviceKernelInto(DeviceKernel):
    """One that writes into outputs that were allocated before, too."""

    def into(self, outputs: Sequence[Buffer], inputs: Sequence[Buffer | None]) -> None:
        """Results in arrays of the host."""
        kernel: Any = self._kernel
        placed, written = self._placed(inputs), [self._package.from_host(output, 0) for output in outputs]
        kernel.into(tuple(written), tuple(placed))
        for output, buffer in zip(outputs, written, strict=True):
            output[...] = self._package.to_host(buffer)
        self._require_unchanged(placed, inputs)


def on_host(kernel: Any, spec: KernelSpec) -> Any:
    """The kernel as one calls it with arrays of the host; itself where the host is its device, or it is none."""
    if spec.device == "cpu" or not callable(kernel):
        return kernel
    return (DeviceKernelInto if isinstance(kernel, SupportsDestination) else DeviceKernel)(kernel, spec)


def to_device(array: Buffer, kind: str) -> Any:
    """A buffer with the array's contents on the first device of a kind; on the CPU the array itself."""
    return array if kind == "cpu" else device_package(kind).from_host(array, 0)


def to_host(buffer: Any, kind: str) -> Any:
    """The contents of a buffer of a kind of device, as an array of the host."""
    return buffer if kind == "cpu" else device_package(kind).to_host(buffer)
