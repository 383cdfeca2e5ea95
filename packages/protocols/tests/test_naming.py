"""Name scopes."""

from __future__ import annotations

import threading

import pytest

from dovetail_protocols.naming import current_scope, name_scope


def test_scopes_nest_and_end() -> None:
    assert current_scope() == ""
    with name_scope("outer") as outer:
        assert outer == current_scope() == "outer/"
        with name_scope("inner") as inner:
            assert inner == current_scope() == "outer/inner/"
        assert current_scope() == "outer/"
    assert current_scope() == ""


def test_absolute_scope_leaves_the_outer_one() -> None:
    with name_scope("outer"), name_scope("model/dense/", absolute=True):
        assert current_scope() == "model/dense/"


def test_scope_ends_when_its_body_raises() -> None:
    with pytest.raises(RuntimeError, match="body"), name_scope("outer"):
        raise RuntimeError("body")
    assert current_scope() == ""


def test_scope_holds_in_its_own_thread_only() -> None:
    seen = []
    with name_scope("outer"):
        thread = threading.Thread(target=lambda: seen.append(current_scope()))
        thread.start()
        thread.join()
    assert seen == [""]
