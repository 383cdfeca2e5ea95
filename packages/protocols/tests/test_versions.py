"""Plug-ins of other minors work, of other majors are set aside: in both directions, and in every role alike."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

from dovetail_protocols import devices, selection
from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols.arrays import provider, use_provider
from dovetail_protocols.errors import DeviceError, PluginError, PluginWarning
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.plugins import find, quarantined, use
from dovetail_protocols.plugins.versions import ROLES, offered_by, protocol_problem, sound

from .conftest import Site

each_role = pytest.mark.parametrize("stem", ROLES)
MODULE = """
class Offered:
    {protocol}
    def a_member_of_tomorrow(self):
        raise AssertionError("nobody here knows it")
    def probe(self):
        return {probe}
for name in {members}:
    if not hasattr(Offered, name):
        setattr(Offered, name, lambda self, *arguments: ())
OFFERED = Offered()
"""
TOMORROW = """
from dovetail_protocols.kernels import PROTOCOL, KernelSpec
known = {"shape_ranges": ((1, 8),)} if PROTOCOL >= (1, 9) else {}
SPEC = KernelSpec(id="negative", operation="dovetail::negative", implementation="acme_module:take", **known)
"""
HASTY = "SPEC = KernelSpec(id='negative', operation='dovetail::negative', implementation='a:b', shape_ranges=())"
METAS = (TensorMeta((2,), dt.float32),)


def install(site: Site, stem: str, protocol: tuple[int, int] | None, *majors: int, name: str = "acme") -> None:
    """Installs what plays a role, of a protocol version that it states (None: it states none)."""
    stated = "" if protocol is None else f"protocol = {protocol!r}"
    probe = ["one"] if stem == "dovetail.devices" else None
    text = MODULE.format(protocol=stated, members=ROLES[stem].members, probe=probe)
    groups = "".join(f"[{stem}.v{major}]\n{name} = {name}_module:OFFERED\n" for major in majors or (1,))
    site.install(f"{name}-parts", "0.3.1", groups, {f"{name}_module": text})


def speak(monkeypatch: pytest.MonkeyPatch, stem: str, version: tuple[int, int]) -> None:
    """Makes this package one that speaks another version of a role's protocol."""
    monkeypatch.setattr(import_module(f"dovetail_protocols.{ROLES[stem].module}"), "PROTOCOL", version)


@pytest.fixture
def no_provider() -> Any:
    before = use_provider(None)
    yield
    use_provider(before)


@each_role
@pytest.mark.parametrize("spoken", [(1, 0), (1, 1), (1, 2)])
@pytest.mark.parametrize("stated", [(1, 0), (1, 1), (1, 9)])
def test_any_two_minors_of_a_major_work_together(
    site: Site, monkeypatch: pytest.MonkeyPatch, stem: str, spoken: tuple[int, int], stated: tuple[int, int]
) -> None:
    install(site, stem, stated)
    speak(monkeypatch, stem, spoken)
    (plugin,) = find(f"{stem}.v1")
    assert sound(plugin) is plugin.load()
    assert quarantined() == {}


@each_role
@pytest.mark.parametrize(
    ("spoken", "stated", "fix"),
    [
        ((1, 0), (2, 0), "pip install -U dovetail-protocols, or an older acme-parts: 'acme-parts<0.3.1'"),
        ((1, 0), (0, 9), "pip install -U acme-parts"),
        ((2, 0), (1, 0), "pip install -U acme-parts"),
        ((2, 0), (1, 9), "pip install -U acme-parts"),
    ],
)
def test_another_major_is_set_aside_with_the_side_to_upgrade(
    site: Site, monkeypatch: pytest.MonkeyPatch, stem: str, spoken: tuple[int, int], stated: tuple[int, int], fix: str
) -> None:
    install(site, stem, stated)
    speak(monkeypatch, stem, spoken)
    (plugin,) = find(f"{stem}.v1")
    with pytest.warns(PluginWarning) as caught:
        assert sound(plugin) is None
    (message,) = (str(warning.message) for warning in caught)
    role = ROLES[stem].name.split()[0]
    said = f"plug-in 'acme' (acme-parts 0.3.1) offers {role} protocol {stated[0]}; this Dovetail speaks {spoken[0]}"
    assert message.splitlines()[0] == said
    assert message.endswith(f"fix: {fix}")
    assert quarantined() == {f"{stem}.v1:acme": message}
    with pytest.raises(PluginError, match=f"offers {role} protocol {stated[0]}"):
        offered_by(plugin)


@each_role
def test_a_version_may_be_left_out_only_where_the_role_states_none(site: Site, stem: str) -> None:
    install(site, stem, None)
    (plugin,) = find(f"{stem}.v1")
    problem = protocol_problem(plugin, plugin.load())
    assert (problem is None) is not ROLES[stem].states_version
    assert problem is None or "acme_module:OFFERED lacks protocol" in str(problem)


@pytest.mark.parametrize("stem", [stem for stem, role in ROLES.items() if not role.states_version])
def test_without_a_version_it_is_that_of_the_group(site: Site, monkeypatch: pytest.MonkeyPatch, stem: str) -> None:
    install(site, stem, None)
    speak(monkeypatch, stem, (2, 0))
    (plugin,) = find(f"{stem}.v1")
    assert "protocol 1; this Dovetail speaks 2" in str(protocol_problem(plugin, plugin.load()))


def test_an_attribute_that_raises_breaks_its_own_plugin_only(site: Site) -> None:
    text = "class P:\n    @property\n    def protocol(self):\n        raise RuntimeError('no license')\nA = P()"
    site.install("acme", "1.0", "[dovetail.kernels.v1]\nacme = acme_module:A", {"acme_module": text})
    with pytest.warns(PluginWarning, match="no license"):
        assert selection.packages() == {}


# Each consumer


@pytest.mark.parametrize("spoken", [(1, 0), (1, 1), (1, 2)])
def test_kernels_built_for_tomorrow_use_fields_of_today(
    site: Site, monkeypatch: pytest.MonkeyPatch, spoken: tuple[int, int]
) -> None:
    speak(monkeypatch, "dovetail.kernels", spoken)
    site.kernels("acme", "SPEC", body=TOMORROW, protocol=(1, 9))
    chosen = selection.select(ops.negative, METAS, {}).chosen
    assert chosen is not None
    assert chosen.package == "acme"


def test_kernels_that_use_a_field_of_tomorrow_unasked_are_set_aside(site: Site) -> None:
    site.kernels("acme", "SPEC", body=HASTY, protocol=(1, 9))
    with pytest.warns(PluginWarning, match=r"plug-in 'acme' \(acme-kernels 1.0\) could not be imported[\s\S]*shape_ra"):
        assert selection.select(ops.negative, METAS, {}).kernel is None


def test_a_device_of_another_major_is_named_with_both_versions(site: Site) -> None:
    install(site, "dovetail.devices", (2, 0))
    devices.forget()
    assert devices.all_devices() == []
    with pytest.raises(DeviceError, match=r"'acme' is installed but unusable[\s\S]*device protocol 2.*speaks 1") as one:
        devices.find_device("acme")
    assert "fix: pip install -U dovetail-protocols" in str(one.value)
    devices.forget()


def test_a_device_of_another_minor_is_used(site: Site) -> None:
    install(site, "dovetail.devices", (1, 9))
    devices.forget()
    assert str(devices.find_device("acme")) == "acme"
    devices.forget()


@pytest.mark.usefixtures("no_provider")
def test_a_tensor_package_of_another_major_is_refused_by_name_of_its_version(site: Site) -> None:
    install(site, "dovetail.tensors", (2, 0))
    with pytest.raises(PluginError, match="offers tensor protocol 2; this Dovetail speaks 1"):
        provider()


@pytest.mark.usefixtures("no_provider")
def test_the_one_tensor_package_that_fits_is_used_beside_one_that_does_not(site: Site) -> None:
    install(site, "dovetail.tensors", (2, 0))
    install(site, "dovetail.tensors", (1, 4), name="other")
    with pytest.warns(PluginWarning, match="offers tensor protocol 2"):
        assert type(provider()).__module__ == "other_module"


@pytest.mark.usefixtures("no_provider")
def test_where_no_tensor_package_fits_every_reason_is_told(site: Site) -> None:
    install(site, "dovetail.tensors", (2, 0))
    install(site, "dovetail.tensors", (0, 1), name="other")
    with (
        pytest.warns(PluginWarning),
        pytest.raises(PluginError, match=r"no tensor package can be used[\s\S]*protocol 2[\s\S]*protocol 0"),
    ):
        provider()


# Groups of other majors


@each_role
def test_a_plugin_that_declares_another_major_only_is_not_silently_invisible(site: Site, stem: str) -> None:
    install(site, stem, (3, 0), 3)
    with pytest.warns(PluginWarning) as caught:
        assert find(f"{stem}.v1") == []
    message = str(caught[0].message)
    assert "protocol 3; this Dovetail speaks 1" in message
    assert "fix: pip install -U dovetail-protocols" in message
    assert quarantined() == {f"{stem}.v1:acme": message}
    find(f"{stem}.v1")  # told once: warnings are errors in these tests


def test_a_plugin_of_another_group_raises_where_it_is_named(site: Site) -> None:
    install(site, "dovetail.kernels", (2, 0), 2)
    install(site, "dovetail.devices", (2, 0), 2, name="device")
    with (
        pytest.warns(PluginWarning),
        pytest.raises(PluginError, match="offers kernel protocol 2; this Dovetail speaks 1") as caught,
        use("acme"),
    ):
        pytest.fail("the body must not run")
    assert caught.value.effect == "you asked for 'acme', so nothing was put in its place."
    with pytest.warns(PluginWarning), pytest.raises(DeviceError, match="'device' is installed but unusable"):
        devices.find_device("device")


def test_nothing_is_said_of_a_plugin_of_another_group_that_the_user_excludes(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(site, "dovetail.kernels", (2, 0), 2)
    monkeypatch.setenv("DOVETAIL_KERNELS", "-acme")
    assert find("dovetail.kernels.v1") == []
    with pytest.raises(PluginError, match="offers kernel protocol 2"), use("acme"):
        pytest.fail("the body must not run")


def test_a_plugin_that_declares_two_majors_is_used_through_the_one_spoken(site: Site) -> None:
    install(site, "dovetail.kernels", (1, 9), 1, 2)
    (plugin,) = find("dovetail.kernels.v1")
    assert sound(plugin) is not None
    assert "acme" in selection.packages()
    assert quarantined() == {}


def test_a_name_that_another_distribution_declares_for_another_major_stays_usable(site: Site) -> None:
    site.kernels("acme")
    site.install("acme-next", "2.0", "[dovetail.kernels.v2]\nacme = elsewhere:PACKAGE")
    with pytest.warns(PluginWarning, match=r"plug-in 'acme' \(acme-next 2.0\) offers kernel protocol 2"):
        assert list(selection.packages()) == ["acme"]
    assert list(quarantined()) == ["dovetail.kernels.v2:acme"]
