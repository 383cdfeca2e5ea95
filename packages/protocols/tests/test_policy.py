"""Which kernel packages the user wants."""

from __future__ import annotations

import threading

import pytest

from dovetail_protocols import selection
from dovetail_protocols.errors import PluginError
from dovetail_protocols.operations import tanh
from dovetail_protocols.plugins import Policy, current_policy, use
from dovetail_protocols.plugins.policy import parse

from .conftest import Site


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("", Policy()),
        ("acme", Policy(("acme",))),
        (" acme , beta ,", Policy(("acme", "beta"))),
        ("-acme", Policy((), frozenset({"acme"}))),
        ("acme,-other", Policy(("acme",), frozenset({"other"}))),
        ("none", Policy(("numpy",), frozenset(), only=True)),
    ],
)
def test_forms_of_the_environment_variable(text: str, policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    assert parse(text) == policy
    monkeypatch.setenv("DOVETAIL_KERNELS", text)
    assert current_policy() == policy


def test_a_policy_says_why_it_refuses() -> None:
    assert Policy().refuses("acme") is None
    assert Policy(excluded=frozenset({"acme"})).refuses("acme") == "excluded by the user"
    assert Policy(("acme", "beta"), only=True).refuses("numpy") == "only acme, beta allowed by the user"
    assert Policy(only=True).refuses("numpy") == "only no package allowed by the user"
    assert Policy(("acme",), only=True).refuses("acme") is None


def test_uses_nest_and_end(site: Site) -> None:
    for name in ("acme", "beta"):
        site.kernels(name)
    with use("acme", "-gamma"):
        assert current_policy() == Policy(("acme",), frozenset({"gamma"}))
        with use("beta"):
            assert current_policy() == Policy(("beta", "acme"), frozenset({"gamma"}))
        with use("beta", only=True):
            assert current_policy() == Policy(("beta",), frozenset({"gamma"}), only=True)
        with use("-acme"):
            assert current_policy().excluded == {"gamma", "acme"}
        assert current_policy() == Policy(("acme",), frozenset({"gamma"}))
    assert current_policy() == Policy()


def test_a_use_ends_when_its_body_raises() -> None:
    with pytest.raises(RuntimeError, match="body"), use("-acme"):
        raise RuntimeError("body")
    assert current_policy() == Policy()


def test_what_is_named_inside_is_no_longer_excluded(site: Site) -> None:
    site.kernels("acme")
    with use("-acme"), use("acme"):
        assert current_policy() == Policy(("acme",))


def test_an_unknown_name_raises_at_once_with_what_is_there(site: Site) -> None:
    site.kernels("acme")
    with pytest.raises(PluginError, match="no kernel package 'acmee' is installed") as caught, use("acmee"):
        pytest.fail("the body must not run")
    assert caught.value.expected == "acme"
    assert caught.value.fix == "use 'acme', if that is meant; dovetail doctor lists what is there"
    assert current_policy() == Policy()


def test_an_unknown_name_in_the_environment_raises_at_the_first_choice(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.kernels("acme")
    monkeypatch.setenv("DOVETAIL_KERNELS", "acmee")
    with pytest.raises(PluginError, match="no kernel package 'acmee' is installed"):
        selection.candidates(tanh, "cpu")


def test_a_compilers_name_is_no_unknown_name(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.install("fuse", "1.0", "[dovetail.compilers.v1]\nfuse = fuse_module:COMPILER")
    with use("fuse"):
        assert selection.candidates(tanh, "cpu") == []
    monkeypatch.setenv("DOVETAIL_KERNELS", "fuse")
    assert selection.candidates(tanh, "cpu") == []


def test_a_policy_holds_in_its_own_thread_only(site: Site) -> None:
    site.kernels("acme")
    seen = []
    with use("acme"):
        thread = threading.Thread(target=lambda: seen.append(current_policy()))
        thread.start()
        thread.join()
    assert seen == [Policy()]
