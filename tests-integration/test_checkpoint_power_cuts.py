"""After a power cut at any moment every save that had returned is there, to the bit, and nothing torn or wrong.

Saves are recorded call by call; dovetail_conformance.power_cut says what a disk may hold then. `nox -s crash` tries ten
times as many states. The last test shows that a commit with any of its steps left out does not pass.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from crash.inside.loading import DistinctLoads
from crash.inside.mutants import MUTANTS, Mutant
from crash.inside.power_cuts import judge
from crash.inside.programs import programs
from crash.inside.sharded import sharded
from crash.inside.workloads import NAMES, Workload, workloads
from dovetail_conformance.power_cut import JOURNALED, POSIX, State

# How many distinct states there must be, and how many outcomes of a moment are tried: 134,000 states in all.
STATES = {
    "two steps": (5_000, 2_000),
    "several shards": (7_000, 2_000),
    "replacements": (11_000, 2_000),
    "retention": (15_000, 2_000),
    "retention of falling steps": (11_000, 2_000),
    "first save after a killed one": (24_000, 500),
    "next step after a killed one": (29_000, 500),
    "replacement after a killed one": (26_000, 500),
}


@pytest.fixture(autouse=True)
def quiet() -> object:
    """Every leftover that is collected is logged; there are thousands."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


def test_a_hundred_thousand_states_are_tried() -> None:
    assert tuple(STATES) == NAMES
    assert sum(least for least, _ in STATES.values()) >= 100_000


@pytest.mark.parametrize("name", NAMES)
def test_every_save_that_returned_survives_a_power_cut_at_any_moment(name: str) -> None:
    least, limit = STATES[name]
    counts: Counter[str] = Counter()
    loads = carried_on = 0
    # Blocks of a page, and of a sector, which has many more states.
    for block_bytes in (512,) if "killed" in name else (4096, 512):
        for workload in workloads(name):
            outcome = judge(workload, limit, seed=0, block_bytes=block_bytes)
            assert outcome.is_sound, outcome.examples
            counts += outcome.counts
            loads, carried_on = loads + outcome.loads, carried_on + outcome.carried_on
    assert counts["sound"] == counts.total() >= least
    assert loads >= 4
    assert carried_on >= 20


@pytest.mark.parametrize("name", [name for name in NAMES if "killed" not in name])
def test_every_save_that_returned_survives_on_a_journaled_disk(name: str) -> None:
    for workload in workloads(name):
        outcome = judge(workload, 200, seed=0, rules=JOURNALED)
        assert outcome.is_sound, outcome.examples


@pytest.mark.parametrize("make", [programs, sharded], ids=["programs", "sharded"])
def test_exports_and_saves_of_several_ranks_survive_too(make: Callable[[], Iterator[Workload]]) -> None:
    count = 0
    for workload in make():
        outcome = judge(workload, 300, seed=0)
        assert outcome.is_sound, outcome.examples
        assert outcome.loads >= 2
        count += outcome.state_count
    assert count > 400


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name.replace(" ", "_"))
def test_a_commit_with_one_step_wrong_is_exposed(mutant: Mutant) -> None:
    for outcome in mutant.outcomes(limit=300, seed=0):
        if any(outcome.counts[kind] for kind in mutant.as_):
            return
    pytest.fail("nothing was found")


def test_without_checksums_but_with_every_sync_nothing_wrong_is_loaded() -> None:
    """So that what the mutant above shows is the missing check's doing and the missing sync's, not the load's."""
    for workload in workloads("two steps", verify="header"):
        assert judge(workload, 300, seed=0, rules=POSIX).is_sound


def test_states_that_a_load_can_tell_apart_are_each_loaded() -> None:
    loaded = []

    def load(storage: object) -> object:
        from pathlib import PurePath

        found = storage.open_folder(PurePath("run")).open("f")  # type: ignore[attr-defined]
        buffer = bytearray(found.size_bytes)
        found.read_into(0, memoryview(buffer))
        loaded.append(bytes(buffer))
        return bytes(buffer)

    loads = DistinctLoads(load)  # type: ignore[arg-type]
    for text in (b"one", b"two", b"one"):
        for other in (b"x", b"y"):
            state = State(0, {"run/f": text, "run/other": other}, frozenset({"run"}), (), ())
            assert loads(state) == text
    assert loaded == [b"one", b"two"]
