"""The kit that proves devices and kernel packages, on this one."""

from contextlib import ExitStack

from dovetail_fake_device.device import DEVICE

from dovetail_conformance import compiler_suite, device_suite, kernel_suite


def failing():
    """A context in which the next allocation of each device fails."""
    stack = ExitStack()
    for memory in DEVICE.memories:
        stack.enter_context(memory.failing())
    return stack


TestFakeDevice = device_suite("fake", failing=failing)
TestFakeKernels = kernel_suite("fake")
TestFakeCompiler = compiler_suite("fake", device="fake")
