"""Who hears of variables that are made."""

from __future__ import annotations

import threading
from typing import Any

from dovetail_protocols import creation


def test_a_watcher_hears_of_variables_of_all_threads_once_until_it_is_told_no_more() -> None:
    heard: list[Any] = []
    creation.watch(heard.append)
    creation.watch(heard.append)
    try:
        creation.announce("here")
        thread = threading.Thread(target=creation.announce, args=("there",))
        thread.start()
        thread.join()
    finally:
        creation.unwatch(heard.append)
    creation.announce("later")
    assert heard == ["here", "there"]
    creation.unwatch(heard.append)


def test_a_watcher_hears_beside_the_listener_of_a_trace() -> None:
    heard: list[str] = []
    watcher = heard.append
    creation.watch(watcher)
    try:
        with creation.telling(lambda variable: heard.append("listener")):
            creation.announce("watcher")
    finally:
        creation.unwatch(watcher)
    assert heard == ["watcher", "listener"]
