"""Processors that several threads share."""

from __future__ import annotations

import time
from threading import Barrier, Thread

from dovetail_checkpointing.processors import Processors


def working(processors: Processors, left: int, log: list[int]) -> Thread:
    """A thread that writes down how much it has left once it has got a processor."""

    def work() -> None:
        with processors.one(left):
            log.append(left)

    thread = Thread(target=work, daemon=True)
    thread.start()
    return thread


def until_somebody_waits(processors: Processors, left: int) -> None:
    """Returns once somebody waits to whom one with so much `left` would yield."""
    while not processors.should_yield(left):
        time.sleep(0.001)


def test_of_those_that_wait_who_has_the_most_left_is_next() -> None:
    processors, log = Processors(1), list[int]()
    with processors.one(1000):
        threads = []
        for left, before in ((10, 0), (40, 10), (80, 40)):
            threads.append(working(processors, left, log))
            until_somebody_waits(processors, before)
    for thread in threads:
        thread.join()
    assert log == [80, 40, 10]


def test_who_works_goes_on_until_another_has_much_more_left() -> None:
    processors, log = Processors(1), list[int]()
    assert not processors.should_yield(0)
    with processors.one(100):
        thread = working(processors, 100, log)
        until_somebody_waits(processors, 0)
        assert not processors.should_yield(75)
        assert processors.should_yield(74)
        assert log == []
    thread.join()
    assert log == [100]


def test_as_many_work_at_a_time_as_there_are_processors() -> None:
    processors, together = Processors(1), Barrier(2)

    def work() -> None:
        with processors.one(1):
            together.wait(60)

    threads = [Thread(target=work, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    processors.add()
    for thread in threads:
        thread.join(60)
    assert not together.broken
    assert not any(thread.is_alive() for thread in threads)
