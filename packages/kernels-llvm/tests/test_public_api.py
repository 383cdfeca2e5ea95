"""The public surface is what was reviewed: two entry points, and nothing to import."""

import dovetail_kernels_llvm
from dovetail_kernels_llvm.compiler import COMPILER
from dovetail_kernels_llvm.package import OFFERED, PACKAGE
from dovetail_protocols.compilers import Compiler, SupportsProfile, SupportsThreads
from dovetail_protocols.kernels import KernelPackage
from dovetail_protocols.registry import find_operation


def test_nothing_is_exported() -> None:
    assert dovetail_kernels_llvm.__all__ == []


def test_the_compiler_plays_its_roles() -> None:
    for role in (Compiler, SupportsThreads, SupportsProfile):
        assert isinstance(COMPILER, role)
    assert COMPILER.protocol == (1, 1)


def test_the_kernels_are_of_operations_that_there_are() -> None:
    assert isinstance(PACKAGE, KernelPackage)
    assert {find_operation(spec.operation).short_name for spec in PACKAGE.kernels()} == set(OFFERED)
