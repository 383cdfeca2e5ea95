"""Devices: the CPU, another one that a test installs, scopes, and kernels on contiguous buffers."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import dovetail_tensors as dt
from dovetail_protocols import devices as protocol
from dovetail_protocols import operations as ops
from dovetail_protocols.errors import DeviceError, KernelError, KernelNotFoundError
from dovetail_protocols.kernels import KernelSpec, Unsupported
from dovetail_protocols.plugins import Plugin
from dovetail_protocols.selection import Candidate, Selection
from dovetail_tensors import random
from dovetail_tensors.byte_form import from_bytes, to_bytes
from dovetail_tensors.devices import CPU
from dovetail_tensors.kernel_adapters import adapted


class FakeBuffer:
    """Memory that is no NumPy array."""

    def __init__(self, array: Any) -> None:
        self.hidden, self.shape = np.array(array), array.shape


class FakeDevice:
    """Two devices with memory of their own."""

    protocol = (1, 0)

    def probe(self) -> list[str]:
        return ["first fake", "second fake"]

    def from_host(self, array: Any, index: int) -> FakeBuffer:
        return FakeBuffer(array)

    def to_host(self, buffer: FakeBuffer) -> Any:
        return buffer.hidden

    def contiguous(self, buffer: FakeBuffer) -> FakeBuffer:
        return buffer


class FakePlugin(Plugin):
    """A plug-in that is here already."""

    def __init__(self, package: Any) -> None:
        super().__init__("fake", protocol.GROUP, "fake_devices:PACKAGE", "fake-devices", "1.0", "")
        self._loaded = package


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """`install(package)`: makes a device package known as "fake"."""
    real = [plugin for plugin in protocol._plugins() if plugin.name == "cpu"]

    def put(package: Any) -> None:
        monkeypatch.setattr(protocol, "_plugins", lambda: [*real, FakePlugin(package)])

    protocol.forget()
    yield put
    protocol.forget()


def test_the_cpu_is_found() -> None:
    assert "cpu" in [str(device) for device in dt.devices()]
    assert "processors" in protocol.describe_devices()["cpu"]
    assert str(dt.constant(1, device="/device:CPU:0").device) == "cpu"


def test_tensors_move_between_devices(install: Any) -> None:
    install(FakeDevice())
    x = dt.constant([1.0, 2.0]).to_device("fake:1")
    assert isinstance(x.payload, FakeBuffer)
    assert (str(x.device), x.shape, x.tolist()) == ("fake:1", (2,), [1, 2])
    assert x.to_device("cpu").tolist() == [1, 2]
    assert x.to_device("fake:1") is x
    assert "device=fake:1" in repr(x)
    assert [str(device) for device in dt.devices()] == ["cpu", "fake", "fake:1"]
    v = dt.Variable([1.0], device="fake")
    assert str(v.device) == "fake"
    v.assign([2.0])
    assert v.tolist() == [2]


def test_a_scope_says_where_new_tensors_are(install: Any) -> None:
    install(FakeDevice())
    with dt.device("fake") as place:
        x = dt.constant([1.0])
        with dt.device("cpu"):
            assert str(dt.constant(1.0).device) == "cpu"
    assert x.device == place
    assert str(dt.constant(1.0).device) == "cpu"


def test_operands_on_different_devices_are_refused(install: Any) -> None:
    install(FakeDevice())
    x = dt.constant([1.0])
    with pytest.raises(DeviceError, match="different devices"):
        x + x.to_device("fake")


def test_no_kernel_on_the_device_is_said(install: Any) -> None:
    install(FakeDevice())
    x = dt.constant([1.0]).to_device("fake")
    with pytest.raises(KernelNotFoundError, match=r"no kernel for add\(float32\[1\]@fake[\s\S]*none has kernels"):
        x + x
    with pytest.raises(KernelNotFoundError, match=r"no kernel for full\(\) on 'fake'[\s\S]*to_device\('cpu'\)"):
        dt.zeros(3, device="fake")


def test_an_unusable_device_says_why(install: Any) -> None:
    class Broken(FakeDevice):
        def probe(self) -> Any:
            return Unsupported("no driver")

    install(Broken())
    with pytest.raises(DeviceError, match=r"'fake' is installed but unusable[\s\S]*no driver"):
        dt.constant(1.0, device="fake")
    assert protocol.describe_devices()["fake"] == "unusable: no driver"
    assert [str(device) for device in dt.devices()] == ["cpu"]


def test_a_package_of_another_protocol_is_refused(install: Any) -> None:
    class Newer(FakeDevice):
        protocol = (2, 0)

    install(Newer())
    with pytest.raises(DeviceError, match="device protocol 2"):
        protocol.find_device("fake")
    install(object())
    protocol.forget()
    with pytest.raises(DeviceError, match="lacks protocol, probe"):
        protocol.find_device("fake")


def test_unknown_device() -> None:
    with pytest.raises(DeviceError, match=r"unknown device 'acmee'[\s\S]*installed: cpu"):
        dt.constant(1.0).to_device("acmee")
    with pytest.raises(DeviceError, match="names no device"):
        dt.device("cpu:x")


def test_contiguous_copies_only_where_needed() -> None:
    x = np.arange(6).reshape(2, 3)
    assert CPU.contiguous(x) is x
    assert CPU.contiguous(x.T).flags.c_contiguous
    assert CPU.contiguous(np.array(3)[()].reshape(())).shape == ()


def test_the_environment_says_where_new_tensors_are(install: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    install(FakeDevice())
    monkeypatch.setenv("DOVETAIL_DEVICE", "fake:1")
    for made in (dt.constant([1.0]), dt.Variable(2.0), dt.asarray(np.ones(3)), dt.random.Generator(7).state):
        assert str(made.device) == "fake:1"


def test_what_is_no_tensor_yet_goes_where_the_tensors_beside_it_are(install: Any) -> None:
    install(FakeDevice())
    x, i = dt.constant([1.0, 2.0], device="fake:1"), dt.constant([True, False], device="fake:1")
    for operands in ((x, [3.0, 4.0]), (np.ones(2, np.float32), x), (x, 3.0), (dt.Variable(x), 1)):
        bound, _ = ops.add.bind(operands, {})
        assert [str(operand.device) for operand in bound] == ["fake:1", "fake:1"]
    bound, _ = ops.where.bind((i, 1.0, [2.0, 3.0]), {})
    assert {str(operand.device) for operand in bound} == {"fake:1"}


def test_variables_on_different_devices_are_never_copied_silently(install: Any) -> None:
    install(FakeDevice())
    x, v = dt.constant([1.0], device="fake"), dt.Variable([1.0])
    with pytest.raises(DeviceError, match="different devices"):
        x + v
    with pytest.raises(DeviceError, match="different devices"):
        v.assign(x)
    assert v.tolist() == [1]


def test_bytes_go_to_the_device_and_come_back(install: Any) -> None:
    install(FakeDevice())
    x = dt.constant([[1, 2], [3, 4]], device="fake:1")
    again = from_bytes(to_bytes(x), x.meta)
    assert isinstance(again.payload, FakeBuffer)
    assert (again.device, again.tolist()) == (x.device, x.tolist())


def test_a_pickled_tensor_comes_back_on_its_device(install: Any) -> None:
    install(FakeDevice())
    x = dt.constant([1.0, 2.0], device="fake:1")
    again = pickle.loads(pickle.dumps(x))
    assert (again.device, again.tolist()) == (x.device, [1, 2])


def test_debug_mode_asks_the_device_for_shapes_and_dtypes(install: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    install(FakeDevice())
    monkeypatch.setenv("DOVETAIL_DEBUG", "1")
    spec = KernelSpec(id="negative", operation="dovetail::negative", implementation="", device="fake")
    kernels = {"right": lambda x: FakeBuffer(-x.hidden), "wrong": lambda x: FakeBuffer(x.hidden.astype(np.float64))}
    x = dt.constant([1.0, 2.0], device="fake")
    for name, kernel in kernels.items():
        chosen = Selection(kernel, Candidate("acme", "acme-kernels", spec), ())
        run: Any = adapted(chosen, ops.negative, {})
        if name == "right":
            assert run(x.payload).hidden.tolist() == [-1, -2]
        else:
            with pytest.raises(KernelError, match=r"declared \(2,\) float32[\s\S]*gave \(2,\) float64"):
                run(x.payload)


def test_each_device_has_a_global_generator_and_one_seed_starts_all(
    install: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(FakeDevice())
    monkeypatch.setattr(random, "_globals", {})
    monkeypatch.setattr(random, "_seed", None)
    dt.random.set_seed(11)
    with dt.device("fake:1"):
        there = dt.random.get_global_generator()
        dt.random.set_seed(12)
    here = dt.random.get_global_generator()
    assert (str(here.state.device), str(there.state.device)) == ("cpu", "fake:1")
    assert here.state.tolist() == there.state.tolist() == [0, 0, 12]
