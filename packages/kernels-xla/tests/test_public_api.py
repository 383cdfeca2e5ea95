"""The public surface is what was reviewed: three entry points, and nothing to import."""

import dovetail_kernels_xla
from dovetail_kernels_xla.compiler import COMPILER
from dovetail_kernels_xla.device import DEVICE
from dovetail_kernels_xla.package import PACKAGE
from dovetail_protocols.compilers import Compiler
from dovetail_protocols.kernels import KernelPackage
from dovetail_protocols.registry import all_operations


def test_nothing_is_exported() -> None:
    assert dovetail_kernels_xla.__all__ == []


def test_the_compiler_and_the_device_play_their_roles() -> None:
    assert isinstance(COMPILER, Compiler)
    assert COMPILER.protocol == (1, 1)
    assert DEVICE.protocol == (1, 1)
    assert {"probe", "from_host", "to_host", "contiguous"} <= set(dir(DEVICE))


def test_every_operation_has_a_kernel_but_variables_calls_of_graphs_and_composites_that_look_at_values() -> None:
    assert isinstance(PACKAGE, KernelPackage)
    offered = {spec.operation.partition("::")[2] for spec in PACKAGE.kernels()}
    standard = {one.short_name for one in all_operations() if one.name.startswith("dovetail::")}
    graphs = {"cond", "while_loop", "scan", "custom_call", "rematerialised_call"}
    assert standard - offered == {"read_variable", "assign_variable", "boolean_mask", "repeat_each"} | graphs
