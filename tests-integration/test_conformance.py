"""The packages of this repository prove themselves with the kit that third parties use."""

from dovetail_conformance import compiler_suite, kernel_suite, tensor_suite

TestNumpyKernels = kernel_suite("numpy")
TestTensors = tensor_suite()
TestLlvmCompiler = compiler_suite("llvm")
