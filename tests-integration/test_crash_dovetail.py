"""The quick crash experiments on our own format: nothing is lost, nothing is wrong, nothing stays behind."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from crash.experiments.plan import Plan
from crash.experiments.registry import EXPERIMENTS
from crash.formats.catalogue import OURS
from crash.stand import Stand

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the harness is for Linux")


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with Stand(OURS) as found:
        yield found


IN_PROCESSES = ("kills", "storage-errors", "power-cuts", "damage", "full-disks", "digests", "fuzz", "hostile")
IN_THE_BACKGROUND = ("changed-buffers", "worker-failures", "little-memory")


@pytest.mark.parametrize("name", [*IN_PROCESSES, *IN_THE_BACKGROUND])
def test_nothing_is_missed(stand: Stand, name: str) -> None:
    results = list(EXPERIMENTS[name](stand, Plan(quick=True)))
    skipped = {result.skipped for result in results} - {""}
    assert not [(result.case, result.misses, result.examples) for result in results if result.misses]
    assert not [(result.case, result.leftover) for result in results if result.leftovers]
    if all(result.skipped for result in results):
        pytest.skip("; ".join(skipped))
    assert sum(result.trials for result in results) > 0
