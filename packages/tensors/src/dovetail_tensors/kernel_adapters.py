"""What stands between a chosen kernel and its buffers: the layout that it declares, and a look at its results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dovetail_protocols.operation import Operation
from dovetail_protocols.selection import Selection

from .devices import package_of
from .kernel_checks import CheckedOnce, Kernel, is_debugging, verified


def adapted(selection: Selection, operation: Operation, attributes: Mapping[str, Any]) -> Kernel | None:
    """The chosen kernel as eager evaluation calls it, or None where none was chosen.

    One that declares the contiguous layout gets C-contiguous buffers. What a kernel gives is compared with what the
    operation declares: the first time, for reference kernels not at all; with DOVETAIL_DEBUG=1 in the environment when
    it is bound, each time and for all.
    """
    if selection.kernel is None or selection.chosen is None:
        return None
    kernel: Kernel = selection.kernel
    spec = selection.chosen.spec
    if "strided" not in spec.layouts:
        kernel = _taking_contiguous(kernel, package_of(spec.device).contiguous)
    name = f"{selection.chosen.package}/{spec.id}"
    operands = None if selection.call is None else selection.call.operands
    if is_debugging():
        return verified(kernel, name, spec.device, operation, attributes, operands)
    if spec.priority > 0:
        return CheckedOnce(kernel, name, spec.device, operation, attributes, operands)
    return kernel


def _taking_contiguous(kernel: Kernel, contiguous: Callable[[Any], Any]) -> Kernel:
    def call(*buffers: Any) -> Any:
        return kernel(*[None if buffer is None else contiguous(buffer) for buffer in buffers])

    return call
