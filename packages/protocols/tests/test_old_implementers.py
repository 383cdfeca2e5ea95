"""What was written for a released minor version of a protocol works with every later one.

The files in `old_implementers/` are frozen: a test that fails here has found a broken promise, not an old file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from dovetail_protocols import arrays, compilers, devices, functions, kernels, provider, roles, selection, use_provider
from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols.compilers import (
    CompileOptions,
    Compiler,
    KernelRun,
    SupportsKernelReport,
    SupportsProfile,
    SupportsThreads,
)
from dovetail_protocols.device_abilities import (
    SupportsDonation,
    SupportsMemoryStatistics,
    SupportsSynchronization,
    donates,
)
from dovetail_protocols.errors import DeviceError, KernelNotFoundError
from dovetail_protocols.functions import FunctionMaker, Slot, SupportsExport, SupportsSignatures
from dovetail_protocols.kernels import KernelPackage, SupportsDestination
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.plugins import find, quarantined
from dovetail_protocols.plugins.versions import ROLES, offered_by, sound
from dovetail_protocols.registry import find_operation
from dovetail_protocols.roles import (
    Array,
    Communicator,
    Differentiator,
    Optimizer,
    SupportsBatching,
    SupportsCheckpoint,
    SupportsForwardMode,
    SupportsLateState,
    SupportsVariables,
    TensorProvider,
    VariableLike,
)
from dovetail_protocols.tracing import trace

from .conftest import Site

FOLDER = Path(__file__).parent / "old_implementers"
FROZEN = {
    "autodiff_1_0.py": "e7ac8925c0307c0744cbfcd8b0719a9c54174ba9c4a95b7416d6e018cb8357e4",
    "autodiff_1_1.py": "eec341e62df99811ae2221927535481ca290ea8101f0f44b307df85db6f06f89",
    "compiler_1_0.py": "f083f98438b531c2b14480df9e02f65d388e2347311d08741a4bf40b6f2c3fd0",
    "compiler_1_1.py": "f8c350736d893d74656b1f8303268e3778aba9a4fc23b12a571c7801345054ff",
    "device_1_0.py": "37c29c13af7d3efd8c51138240016fce66007762197c3f95f141210ac1fb09d3",
    "device_1_1.py": "4bcb7e7f5614415ec49e9194cd7f6403fa75848f1e54709012bfea0a6681bb02",
    "functions_1_0.py": "8611d8a96bdcfd4bc288375a287901eefebcf4894eee64e93e00b3a180e40351",
    "kernels_1_0.py": "de0e777a494e4e7dcea1fc325d8389933528699ba20210ad15b0648656732778",
    "operations_1_0.py": "a6713b76c596578f37dcbb16fb7122da8c7de7735227b842cd65ff39ab44b761",
    "tensors_1_0.py": "3b960de424bf4441ff6cbb36d51d5d6224eea9b38efc944c43261617d4080a9f",
    "training_1_0.py": "74314fcef757e74bc0baa0ca7e794dc42e91ea1afbd72b7ed9c3b500f3ab649d",
}
ENTRY_POINTS = """
[dovetail.kernels.v1]
old = kernels_1_0:PACKAGE
old-device = device_1_0:KERNELS
old-operations = operations_1_0:PACKAGE
[dovetail.compilers.v1]
old = compiler_1_0:COMPILER
old-1-1 = compiler_1_1:COMPILER
[dovetail.devices.v1]
absent = device_1_0:ABSENT
old = device_1_0:PACKAGE
old-1-1 = device_1_1:PACKAGE
[dovetail.tensors.v1]
old = tensors_1_0:PROVIDER
[dovetail.autodiff.v1]
old = autodiff_1_0:PROVIDER
old-1-1 = autodiff_1_1:PROVIDER
[dovetail.functions.v1]
old = functions_1_0:MAKER
[dovetail.communicators.v1]
old = training_1_0:COMMUNICATOR
"""


@pytest.fixture
def installed(site: Site) -> Iterator[Site]:
    """The old implementers as one distribution, and their tensor package found like any other."""
    site.install("old", "1.0", ENTRY_POINTS, {path.stem: path.read_text("utf-8") for path in FOLDER.glob("*.py")})
    before = use_provider(None)
    devices.forget()
    yield site
    devices.forget()
    use_provider(before)


def load(group: str, name: str = "old") -> Any:
    """What an old implementer offers, as every consumer takes it: judged fit for its role."""
    (plugin,) = (plugin for plugin in find(group) if plugin.name == name)
    return offered_by(plugin)


def test_the_files_are_as_they_were_when_they_were_frozen() -> None:
    digests = {
        path.name: hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest() for path in FOLDER.glob("*.py")
    }
    assert digests == FROZEN


def test_they_still_play_their_roles(installed: Site) -> None:
    assert isinstance(load("dovetail.kernels.v1"), KernelPackage)
    assert isinstance(load("dovetail.compilers.v1"), Compiler)
    assert isinstance(load("dovetail.compilers.v1", "old-1-1"), Compiler)
    assert isinstance(load("dovetail.tensors.v1"), TensorProvider)
    assert isinstance(load("dovetail.autodiff.v1"), Differentiator)
    assert isinstance(load("dovetail.functions.v1"), FunctionMaker)
    assert isinstance(load("dovetail.communicators.v1"), Communicator)
    assert set(selection.packages()) == {"old", "old-device", "old-operations"}
    assert quarantined() == {}


def test_each_minor_that_was_spoken_has_its_implementer() -> None:
    spoken = {
        "autodiff": roles.PROTOCOL,
        "compiler": compilers.PROTOCOL,
        "device": devices.PROTOCOL,
        "functions": functions.PROTOCOL,
        "kernels": kernels.PROTOCOL,
        "tensors": arrays.PROTOCOL,
    }
    wanted = {f"{role}_1_{minor}.py" for role, (_, last) in spoken.items() for minor in range(last + 1)}
    assert wanted - set(FROZEN) == set()


@pytest.mark.parametrize("minor", [1, 2, 9])
def test_they_are_fit_under_later_minors_too(installed: Site, monkeypatch: pytest.MonkeyPatch, minor: int) -> None:
    for module in {role.module for role in ROLES.values()}:
        monkeypatch.setattr(import_module(f"dovetail_protocols.{module}"), "PROTOCOL", (1, minor))
    offered = [sound(plugin) for stem in ROLES for plugin in find(f"{stem}.v1")]
    assert len(offered) == ENTRY_POINTS.count(" = ")
    assert None not in offered
    assert ops.add([1.0, 2.0], [3.0, 4.0]).payload == (4.0, 6.0)
    assert quarantined() == {}


def test_a_kernel_package_of_1_0_is_taken_whole(installed: Site) -> None:
    package = selection.packages()["old"]
    assert [spec.id for spec in package.specs] == ["add", "negative"]
    assert package.specs[0].binding == "per_shape"
    assert package.unusable is None
    assert quarantined() == {}


def test_a_tensor_package_of_1_0_evaluates_with_kernels_of_1_0(installed: Site) -> None:
    assert ops.add([1.0, 2.0], [3.0, 4.0]).payload == (4.0, 6.0)
    assert ops.negative([1.5]).payload == (-1.5,)
    assert isinstance(ops.negative([1.5]), Array)
    with pytest.raises(KernelNotFoundError, match="old/add: no broadcasting"):
        ops.add([1.0, 2.0], 3.0)


def test_variables_of_1_0_are_read_and_assigned(installed: Site) -> None:
    variable = provider().variable([1.0, 2.0], name="w")
    assert isinstance(variable, VariableLike)
    assert ops.assign_variable(variable, ops.add(variable, variable)).payload == (2.0, 4.0)
    assert ops.read_variable(variable).payload == variable.payload == (2.0, 4.0)


def test_a_kernel_of_1_0_writes_into_given_outputs(installed: Site) -> None:
    kernel = selection.select(ops.negative, (TensorMeta((2,), dt.float32),), {}).kernel
    assert isinstance(kernel, SupportsDestination)
    output = [0.0, 0.0]
    kernel.into([output], [(1.0, -2.0)])
    assert output == [-1.0, 2.0]


def test_a_compiler_of_1_0_claims_and_compiles_a_traced_graph(installed: Site) -> None:
    meta = TensorMeta((2,), dt.float32)
    graph = trace(lambda x, y: (ops.negative(ops.add(x, y)),), [meta, meta]).graph
    compiler = load("dovetail.compilers.v1")
    (claim,) = compiler.claim(graph)
    assert (claim.nodes, claim.refused) == (frozenset({0, 1}), ())
    assert compiler.compile(graph, CompileOptions())((1.0, 2.0), (3.0, 4.0)) == ((-4.0, -6.0),)
    other = trace(lambda x: (ops.tanh(x),), [meta]).graph
    assert compiler.claim(other)[0].refused == ((0, "tanh is unknown to it"),)


def test_a_compiler_of_1_1_offers_the_abilities_of_1_1(installed: Site) -> None:
    compiler = load("dovetail.compilers.v1", "old-1-1")
    assert isinstance(compiler, SupportsThreads)
    assert isinstance(compiler, SupportsProfile)
    compiler.set_thread_count(3)
    assert compiler.thread_count() == 3
    compiler.set_thread_count(None)
    assert compiler.thread_count() == 1
    meta = TensorMeta((), dt.float64)
    graph = trace(lambda x, y: (ops.negative(ops.add(x, y)),), [meta, meta]).graph
    executable = compiler.compile(graph, CompileOptions(donated_inputs=frozenset({0})))
    with compiler.record_kernels() as runs:
        assert executable(1.0, 2.0) == (-3.0,)
    assert [(type(run), run.what, run.tasks) for run in runs] == [(KernelRun, "add", 1), (KernelRun, "negative", 1)]
    assert isinstance(executable, SupportsKernelReport)
    first, second = executable.kernel_report()
    assert (first.what, first.tasks, first.runs, first.flops, first.bytes, first.seconds) == (
        "add+negative",
        1,
        1,
        0,
        0,
        0,
    )
    assert (second.tasks, second.runs, second.flops, second.bytes, second.seconds) == (2, 3, 4.0, 5.0, 6.0)


def test_devices_of_1_0_are_found_described_and_chosen_for_by_their_kernels(installed: Site) -> None:
    assert [str(device) for device in devices.all_devices()] == ["old", "old:1", "old-1-1"]
    assert devices.describe_devices() == {
        "absent": "unusable: no driver",
        "old": "the first of two; the second",
        "old-1-1": "the only one",
    }
    with pytest.raises(DeviceError, match="there is no device 'old:2'"):
        devices.find_device("old:2")
    second = devices.find_device("old:1")
    package = devices.device_package("old")
    assert package.to_host(package.contiguous(package.from_host({1, 2}, second.index))) == {1, 2}
    meta = TensorMeta((2,), dt.float32, second)
    chosen = selection.select(ops.negative, (meta,), {}).chosen
    assert chosen is not None
    assert chosen.package == "old-device"


def test_a_device_of_1_1_keeps_its_abilities_and_one_of_1_0_has_none(installed: Site) -> None:
    for ability in (SupportsDonation, SupportsSynchronization, SupportsMemoryStatistics):
        assert isinstance(devices.device_package("old-1-1"), ability)
        assert not isinstance(devices.device_package("old"), ability)
    assert donates("old-1-1")
    assert not donates("old")


def test_operations_of_1_0_run_decompose_and_differentiate(installed: Site) -> None:
    flip, add_times, signs = (find_operation(f"old::{name}") for name in ("flip", "add_times", "signs"))
    assert flip([1.0, -2.0]).payload == (-1.0, 2.0)
    assert add_times([1.0], [10.0], count=3).payload == (31.0,)
    assert signs([5.0, 6.0]).payload == (1, 1)
    differentiator = load("dovetail.autodiff.v1")
    x, y = provider().convert(1.0), provider().convert(10.0)
    value, gradients = differentiator.value_and_gradients(lambda x, y: flip(add_times(x, y, count=3)), [x, y])
    assert value.payload == (-31.0,)
    assert [gradient.payload for gradient in gradients] == [(-1.0,), (-3.0,)]


def test_a_differentiator_of_1_1_goes_forward_and_takes_batches(installed: Site) -> None:
    differentiator = load("dovetail.autodiff.v1", "old-1-1")
    assert isinstance(differentiator, SupportsForwardMode)
    assert isinstance(differentiator, SupportsBatching)
    x, y = provider().convert(1.0), provider().convert(10.0)
    values, tangents = differentiator.values_and_tangents(lambda x, y: [ops.negative(ops.add(x, y))], [x, y], [y, y])
    assert [value.payload for value in (*values, *tangents)] == [(-11.0,), (-20.0,)]
    _, gradients = differentiator.value_and_gradients(lambda x, y: ops.negative(ops.add(x, y)), [x, y])
    assert [gradient.payload for gradient in gradients] == [(-1.0,), (-1.0,)]
    batch = provider().convert([1.0, 2.0])
    (result,) = differentiator.batched(lambda x: [ops.negative(x)], [batch], [True])
    assert result.payload == (-1.0, -2.0)


def test_functions_of_1_0_are_traced_run_and_exported(installed: Site) -> None:
    twice = load("dovetail.functions.v1").function(lambda x: [ops.add(x, x)], name="twice")
    assert isinstance(twice, SupportsExport)
    assert isinstance(twice, SupportsSignatures)
    (result,) = twice(provider().convert([1.0, 2.0]))
    assert result.payload == (2.0, 4.0)
    (one,) = twice.exported()
    assert one.template.specialized(()).outputs[0].meta.shape == (2,)
    assert (one.arguments, one.result) == (((Slot(0),), {}), (Slot(0),))


def test_a_module_and_an_optimizer_of_1_0_play_their_roles(installed: Site) -> None:
    training = import_module("training_1_0")
    module, optimizer = training.Scale(), training.Descent()
    for role in (SupportsVariables, SupportsCheckpoint, SupportsLateState):
        assert isinstance(module, role)
    assert isinstance(optimizer, Optimizer)
    assert isinstance(optimizer, SupportsCheckpoint)
