"""Plug-ins: found without importing anything, loaded once, set aside when they are broken."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dovetail_protocols.errors import PluginError, PluginWarning
from dovetail_protocols.plugins import find, quarantined, refresh
from dovetail_protocols.plugins.discovery import declared

from .conftest import Site

GROUP = "dovetail.kernels.v1"
ONE = "[dovetail.kernels.v1]\nacme = acme_module:PACKAGE\n"


def test_finding_imports_nothing_and_tells_all_that_is_declared(site: Site) -> None:
    entry_points = """
# a comment
[console_scripts]
acme = acme_module:main

[dovetail.kernels.v1]
zeta=acme_module:ZETA
acme = acme_module : PACKAGE [fast]
; another comment
[dovetail.compilers.v1]
acme = acme_module:COMPILER
"""
    location = site.install("acme-kernels", "0.3.1", entry_points, {"acme_module": "raise RuntimeError('imported')"})
    assert [plugin.name for plugin in find(GROUP)] == ["acme", "zeta"]
    (plugin, _) = find(GROUP)
    assert (plugin.distribution, plugin.version, plugin.location) == ("acme-kernels", "0.3.1", str(location))
    assert plugin.target == "acme_module : PACKAGE"
    assert str(plugin) == "'acme' (acme-kernels 0.3.1)"
    assert [plugin.target for plugin in find("dovetail.compilers.v1")] == ["acme_module:COMPILER"]
    assert find("console_scripts") == []
    assert {(plugin.group, plugin.name) for plugin in declared()} == {
        ("dovetail.compilers.v1", "acme"),
        ("dovetail.kernels.v1", "acme"),
        ("dovetail.kernels.v1", "zeta"),
    }
    assert "acme_module" not in sys.modules


def test_loading_gives_the_object_and_imports_once(site: Site) -> None:
    site.install("acme", "1", ONE, {"acme_module": "class Inner:\n    VALUE = object()\nPACKAGE = Inner"})
    site.install("beta", "1", "[dovetail.kernels.v1]\nbeta = acme_module:PACKAGE.VALUE")
    acme, beta = find(GROUP)
    assert acme.load() is acme.load()
    assert beta.load() is acme.load().VALUE


def test_a_distribution_earlier_on_the_path_shadows_the_later_one(
    site: Site, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path_factory.mktemp("other")
    monkeypatch.setattr(sys, "path", [str(other), *sys.path])
    site.install("acme-kernels", "1.0", ONE)
    Site(other).install("Acme.Kernels", "2.0", ONE)
    assert [plugin.version for plugin in find(GROUP)] == ["2.0"]


def test_paths_that_are_files_or_gone_are_passed_over(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.install("acme", "1.0", ONE)
    (site.folder / "library.zip").write_bytes(b"PK")
    monkeypatch.setattr(sys, "path", [str(site.folder / "library.zip"), str(site.folder / "gone"), *sys.path])
    assert [plugin.name for plugin in find(GROUP)] == ["acme"]


def test_distributions_without_entry_points_are_passed_over(site: Site) -> None:
    site.install("plain", "1.0", None)
    site.install("scripts", "1.0", "[console_scripts]\nrun = scripts:main")
    assert find(GROUP) == []


def test_two_distributions_with_one_name_are_both_named_and_neither_is_used(site: Site) -> None:
    site.install("acme-kernels", "1.0", ONE + "other = acme_module:OTHER\n")
    site.install("acme-copies", "2.0", ONE)
    with pytest.warns(PluginWarning, match="plug-in 'acme' is declared twice") as caught:
        assert [plugin.name for plugin in find(GROUP)] == ["other"]
    message = str(caught[0].message)
    assert "by acme-copies 2.0 and acme-kernels 1.0" in message
    assert "effect: neither is used in this process." in message
    assert "fix: uninstall acme-copies or acme-kernels" in message
    find(GROUP)  # and is told once: warnings are errors in these tests
    assert quarantined() == {f"{GROUP}:acme": message}


def test_entry_points_that_are_no_text_are_told_and_others_found(site: Site) -> None:
    site.install("bad", "1.0", b"[dovetail.kernels.v1]\nbad = \xff\xfe:PACKAGE")
    site.install("good", "1.0", ONE)
    with pytest.warns(PluginWarning, match="the entry points of bad can't be read") as caught:
        assert [plugin.name for plugin in find(GROUP)] == ["acme"]
    assert "cause: UnicodeDecodeError" in str(caught[0].message)
    assert "effect: its plug-ins are not seen in this process." in str(caught[0].message)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (None, "ModuleNotFoundError: No module named 'acme_module'"),
        ("import sys\nsys.exit('no license')", "SystemExit: no license"),
        ("PACKAGES = []", "AttributeError: module 'acme_module' has no attribute 'PACKAGE'"),
        ("def (", "SyntaxError"),
        ("raise OSError('libacme.so.2: cannot open')", "OSError: libacme.so.2: cannot open"),
    ],
)
def test_a_broken_plugin_raises_the_same_error_with_its_cause_each_time(
    site: Site, text: str | None, cause: str
) -> None:
    site.install("acme-kernels", "0.3.1", ONE, {} if text is None else {"acme_module": text})
    (plugin,) = find(GROUP)
    for _ in range(2):
        with pytest.raises(PluginError, match=r"plug-in 'acme' \(acme-kernels 0.3.1\) could not be imported") as caught:
            plugin.load()
        error = caught.value
        assert cause in str(error.cause)
        assert error.effect == "you asked for 'acme', so nothing was put in its place."
        assert error.fix == "reinstall acme-kernels, or set DOVETAIL_KERNELS=-acme; details: dovetail doctor acme"
        assert error.__cause__ is plugin.error
    assert "effect: its kernels are not used in this process." in quarantined()[f"{GROUP}:acme"]


def test_only_the_users_interrupt_passes_through(site: Site) -> None:
    site.install("acme", "1.0", ONE, {"acme_module": "raise KeyboardInterrupt"})
    (plugin,) = find(GROUP)
    with pytest.raises(KeyboardInterrupt):
        plugin.load()
    assert plugin.error is None


def test_refresh_sees_what_was_installed_since_and_gives_the_broken_another_chance(site: Site) -> None:
    site.install("acme", "1.0", ONE, {"acme_module": "raise ImportError('half installed')"})
    (plugin,) = find(GROUP)
    with pytest.raises(PluginError):
        plugin.load()
    site.install("beta", "1.0", "[dovetail.kernels.v1]\nbeta = acme_module:PACKAGE")
    (site.folder / "acme_module.py").write_text("PACKAGE = 'whole again, and of another length'", "utf-8")
    assert [plugin.name for plugin in find(GROUP)] == ["acme"]
    refresh()
    assert quarantined() == {}
    assert [plugin.name for plugin in find(GROUP)] == ["acme", "beta"]
    assert find(GROUP)[0].load() == "whole again, and of another length"


def test_threads_find_and_load_once(site: Site) -> None:
    text = "from pathlib import Path\nwith open(Path(__file__).with_suffix('.log'), 'a') as log:\n    log.write('x')\n"
    site.install("acme", "1.0", ONE, {"acme_module": text + "PACKAGE = object()"})
    with ThreadPoolExecutor(8) as pool:
        loaded = list(pool.map(lambda _: find(GROUP)[0].load(), range(16)))
    assert len(set(map(id, loaded))) == 1
    assert Path(site.folder / "acme_module.log").read_text() == "x"
