"""The collector of cycles is held back inside of a function only, whoever else is inside of one."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator

import pytest

from dovetail_checkpointing.uncollected import uncollected


@pytest.fixture(autouse=True)
def _enabled_again() -> Iterator[None]:
    gc.enable()
    yield
    gc.enable()


@uncollected
def inside(action: object = None) -> bool:
    if callable(action):
        action()
    return gc.isenabled()


def test_cycles_are_collected_again_afterwards_even_if_it_raises() -> None:
    def fail() -> None:
        raise ValueError("planted")

    assert not inside()
    assert gc.isenabled()
    with pytest.raises(ValueError, match="planted"):
        inside(fail)
    assert gc.isenabled()


def test_who_switched_the_collector_off_finds_it_off() -> None:
    gc.disable()
    assert not inside()
    assert not gc.isenabled()


def test_the_last_one_out_of_several_threads_switches_it_on() -> None:
    entered, leave = threading.Event(), threading.Event()
    other = threading.Thread(target=lambda: inside(lambda: (entered.set(), leave.wait())))
    other.start()
    entered.wait()
    assert not inside(inside)
    assert not gc.isenabled()
    leave.set()
    other.join()
    assert gc.isenabled()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")  # of JAX, which other tests may have loaded
def test_a_process_forked_meanwhile_collects() -> None:
    statuses = []

    def fork() -> None:
        child = os.fork()
        if not child:
            os._exit(0 if gc.isenabled() and not inside() and gc.isenabled() else 1)
        statuses.append(os.waitpid(child, 0)[1])

    inside(fork)
    assert statuses == [0]
