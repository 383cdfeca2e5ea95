"""Which compilers are found, and what is said of those that can't be used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from dovetail_functions.compilation import discovery
from dovetail_functions.compilation.discovery import FoundCompiler
from dovetail_protocols.compilers import Claim, CompileOptions
from dovetail_protocols.errors import PluginError, PluginWarning
from dovetail_protocols.graph import Graph
from dovetail_protocols.kernels import Unsupported
from dovetail_protocols.plugins import use
from dovetail_protocols.plugins.discovery import Plugin


class Idle:
    """A compiler that claims nothing."""

    protocol = (1, 0)

    def probe(self) -> Unsupported | None:
        return None

    def claim(self, graph: Graph) -> Sequence[Claim]:
        return []

    def compile(self, graph: Graph, options: CompileOptions) -> Any:
        raise AssertionError("nothing was claimed")


class _Plugin(Plugin):
    """A plug-in that is here already."""

    def __init__(self, name: str, offered: object) -> None:
        super().__init__(name, discovery.GROUP, "acme:COMPILER", "acme-compiler", "1.0", "")
        self._loaded = offered


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def declare(*plugins: Plugin) -> None:
        monkeypatch.setattr(discovery, "find", lambda group: list(plugins))
        monkeypatch.setattr(discovery, "_looked_at", {})

    return declare


def test_sound_compilers_are_found(declared: Any) -> None:
    sound = Idle()
    declared(_Plugin("acme", sound))
    assert discovery.compilers() == (FoundCompiler("acme", sound, None),)


def test_what_a_plugin_says_wrong_of_itself_is_told_and_set_aside(declared: Any) -> None:
    future = Idle()
    future.protocol = (9, 0)
    declared(_Plugin("one-without", object()), _Plugin("two-future", future))
    with pytest.warns(PluginWarning) as caught:
        assert discovery.compilers() == ()
    told = [str(warning.message) for warning in caught]
    assert "is no compiler" in told[0]
    assert "lacks protocol, claim, compile, probe" in told[0]
    assert "offers compiler protocol 9; this Dovetail speaks 1" in told[1]


def test_a_probe_that_raises_sets_its_compiler_aside(declared: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Idle()
    monkeypatch.setattr(broken, "probe", lambda: 1 / 0)
    declared(_Plugin("broken-probe", broken))
    with pytest.warns(PluginWarning, match="ZeroDivisionError"):
        assert discovery.compilers() == ()


def test_a_policy_that_prefers_packages_leaves_out_other_compilers(declared: Any) -> None:
    declared(_Plugin("acme", Idle()), _Plugin("other", Idle()))
    with use("numpy"):
        chosen, refused = discovery.chosen_compilers(None)
        assert chosen == []
        assert refused == {"acme": "the user prefers numpy", "other": "the user prefers numpy"}
        assert [one.name for one in discovery.chosen_compilers(["other"])[0]] == ["other"]
    with use("-other"):
        chosen, refused = discovery.chosen_compilers(None)
        assert [one.name for one in chosen] == ["acme"]
        assert refused == {"other": "excluded by the user"}


def test_an_excluded_compiler_is_not_imported_until_it_is_named(declared: Any) -> None:
    absent = Plugin("acme", discovery.GROUP, "no_such_module:COMPILER", "acme-compiler", "1.0", "")
    declared(absent)
    with use("-acme"):
        assert discovery.chosen_compilers(None) == ([], {"acme": "excluded by the user"})
        assert absent.error is None
        with pytest.warns(PluginWarning, match="could not be imported"), pytest.raises(PluginError, match="asked for"):
            discovery.chosen_compilers(["acme"])
