"""Which device new arrays are made on: scopes, the environment, threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from dovetail_protocols import devices, registry
from dovetail_protocols import operations as ops
from dovetail_protocols.binding import bind_attributes
from dovetail_protocols.default_device import VARIABLE, current_device, device
from dovetail_protocols.dispatch import interpreting
from dovetail_protocols.dtypes import float32
from dovetail_protocols.errors import DeviceError
from dovetail_protocols.metas import CPU, Device, TensorMeta
from dovetail_protocols.operation import primitive
from dovetail_protocols.plugins import refresh

if TYPE_CHECKING:
    from dovetail_protocols.operations.annotations import AnyDType

ACME = Device("acme", 1)


class AcmePlugin:
    name = "acme"


@pytest.fixture(autouse=True)
def acme(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A device "acme" is installed, and no default was looked for yet."""
    monkeypatch.delenv(VARIABLE, raising=False)
    devices.forget()
    monkeypatch.setattr(devices, "_plugins", lambda: [AcmePlugin()])
    monkeypatch.setitem(devices._found, "acme", (object(), ["first", "second"]))
    yield
    devices.forget()


def test_it_is_the_cpu_when_nothing_is_said() -> None:
    assert current_device() is CPU


def test_the_environment_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "acme:1")
    assert current_device() == ACME
    with device("cpu"):
        assert current_device() is CPU
    assert current_device() == ACME


def test_the_environment_holds_in_new_threads_and_a_scope_only_in_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "acme:1")
    found: list[Device] = []
    with device("acme:0"):
        thread = threading.Thread(target=lambda: found.append(current_device()))
        thread.start()
        thread.join()
    assert found == [ACME]


def test_refresh_asks_the_devices_and_the_environment_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "acme:1")
    assert current_device() == ACME
    monkeypatch.setenv(VARIABLE, "cpu")
    assert current_device() == ACME
    refresh()
    assert current_device() is CPU
    assert "acme" not in devices._found


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("acmee", r"unknown device 'acmee'[\s\S]*did you mean 'acme'"),
        ("acme:2", "there is no device 'acme:2'"),
        ("acme:x", "names no device"),
    ],
)
def test_an_error_names_the_environment_variable(monkeypatch: pytest.MonkeyPatch, name: str, message: str) -> None:
    monkeypatch.setenv(VARIABLE, name)
    with pytest.raises(DeviceError, match=message) as caught:
        current_device()
    assert f"environment variable {VARIABLE}={name}" in str(caught.value)


def test_a_scope_ends_whatever_happens_in_it() -> None:
    with pytest.raises(KeyError), device("acme"):
        raise KeyError
    assert current_device() is CPU


@pytest.mark.usefixtures("toy")
def test_an_operation_that_makes_an_array_anew_is_bound_to_the_current_device() -> None:
    with device("acme:1"):
        _, here = ops.arange.bind((), {"start": 3})
        _, there = ops.arange.bind((), {"start": 3, "device": "cpu"})
    _, elsewhere = ops.arange.bind((), {"start": 3})
    assert (here["device"], there["device"], elsewhere["device"]) == (ACME, "cpu", None)
    assert list(here) == list(elsewhere)


@pytest.mark.usefixtures("toy")
def test_an_operation_with_operands_is_where_these_are_whatever_its_attribute_device(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry, "_operations", dict(registry._operations))

    @primitive(version=1, namespace="acme")
    def sent(x: AnyDType, /, *, device: Device | None = None) -> AnyDType:
        return x

    @primitive(version=1, namespace="acme")
    def origin(*, device: Device | None = None) -> AnyDType:
        return TensorMeta((), float32, device or CPU)

    given: list[Any] = []

    class Noting:
        def apply(self, operation: Any, operands: Any, attributes: Any) -> None:
            given.append(attributes["device"])

    with device("acme:1"), interpreting(Noting()):
        origin()
        assert bind_attributes(sent, {})["device"] is None
    assert given == [ACME]
