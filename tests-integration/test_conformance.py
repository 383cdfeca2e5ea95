"""The packages of this repository prove themselves with the kit that third parties use."""

import pytest

from dovetail_conformance import compiler_suite, kernel_suite, tensor_suite

TestNumpyKernels = kernel_suite("numpy")
TestTensors = tensor_suite()
TestLlvmCompiler = compiler_suite("llvm")


class TestLlvmKernels(kernel_suite("llvm")):  # type: ignore[misc] # a class that is made here
    """Single operations, compiled at any size."""

    @pytest.fixture(autouse=True)
    def any_size(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DOVETAIL_LLVM_EAGER_ELEMENTS", "0")
