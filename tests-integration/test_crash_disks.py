"""Power cuts of recorded disks: what is left of them, and that our own format loses nothing on real file systems."""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import cast

import pytest

from crash.disks.cuts import SECTOR_BYTES, Cut, Save, begun_and_returned, cut, cuts, moments
from crash.disks.file_systems import FileSystem
from crash.disks.images import copy, images
from crash.disks.log import Entry, Flush, LogFile, Write, read
from crash.experiments import disk_cuts
from crash.experiments.plan import Plan
from crash.formats.catalogue import OURS
from crash.report import render
from crash.stand import Stand

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the harness is for Linux")

BLOCK = 4 * SECTOR_BYTES


def block(place: int, letter: bytes) -> Write:
    return Write(place * BLOCK, letter * BLOCK)


ENTRIES: list[Entry] = [
    block(0, b"a"),
    block(1, b"b"),
    Flush(),
    block(0, b"c"),
    block(2, b"d"),
    block(0, b"e"),
    Flush(),
    block(1, b"f"),
]


def left(tmp_path: Path, *of: Cut) -> list[bytes]:
    """The disks after cuts, each as one letter a sector; "." where nothing was written."""
    base = tmp_path / "base"
    base.write_bytes(bytes(3 * BLOCK))
    found = {each: image.read_bytes() for each, image in images(base, ENTRIES, of, tmp_path)}
    assert not (tmp_path / "cut").exists()
    return [found[each][::SECTOR_BYTES].replace(b"\0", b".") for each in of]


@pytest.mark.parametrize(
    ("moment", "kind", "expected"),
    [
        (0, "in order", b"............"),
        (2, "in order", b"aaaabbbb...."),
        (2, "lost cache", b"............"),
        (3, "lost cache", b"aaaabbbb...."),
        (4, "in order", b"ccccbbbb...."),
        (6, "in order", b"eeeebbbbdddd"),
        (6, "lost cache", b"aaaabbbb...."),
        (7, "lost cache", b"eeeebbbbdddd"),
        (8, "in order", b"eeeeffffdddd"),
    ],
)
def test_what_was_flushed_is_there_and_the_rest_by_the_kind_of_disk(
    tmp_path: Path, moment: int, kind: str, expected: bytes
) -> None:
    assert left(tmp_path, cut(ENTRIES, moment, kind, Random(0))) == [expected]


def test_disks_are_made_in_the_order_of_their_flushes_whatever_the_order_asked_for(tmp_path: Path) -> None:
    late, early = cut(ENTRIES, 7, "lost cache", Random(0)), cut(ENTRIES, 1, "in order", Random(0))
    assert left(tmp_path, late, early) == [b"eeeebbbbdddd", b"aaaa........"]


def test_any_of_the_unflushed_writes_may_be_there_and_the_later_wins(tmp_path: Path) -> None:
    drawn = {cut(ENTRIES, 6, "some", Random(seed)) for seed in range(60)}
    found = {
        tuple(index for index, _ in each.kept): disk for each, disk in zip(drawn, left(tmp_path, *drawn), strict=True)
    }
    assert set(found) == {(), (3,), (4,), (5,), (3, 4), (3, 5), (4, 5), (3, 4, 5)}
    assert found[(3,)] == b"ccccbbbb...."
    assert found[(3, 5)] == found[(5,)] == b"eeeebbbb...."
    assert found[(3, 4)] == b"ccccbbbbdddd"


def test_first_ones_never_leave_a_later_write_without_an_earlier() -> None:
    kept = {tuple(i for i, _ in cut(ENTRIES, 6, "first ones", Random(seed)).kept) for seed in range(40)}
    assert kept == {(), (3,), (3, 4), (3, 4, 5)}


def test_a_torn_write_has_some_of_its_sectors_and_neither_all_nor_none(tmp_path: Path) -> None:
    drawn = {cut(ENTRIES, 8, "torn", Random(seed)) for seed in range(60)}
    disks = left(tmp_path, *drawn)
    torn = {disk[4:8] for disk in disks}
    assert {disk[:4] + disk[8:] for disk in disks} == {b"eeeedddd"}  # flushed
    assert torn <= {bytes(b"bf"[bits >> sector & 1] for sector in range(4)) for bits in range(1, 15)}
    assert {b"fbbb", b"ffbb", b"fffb"} < torn  # the first ones, and others


def test_a_write_that_is_made_later_wins_over_a_torn_one(tmp_path: Path) -> None:
    drawn = {cut(ENTRIES, 6, "torn", Random(seed)) for seed in range(60)}
    early = [each for each in drawn if {3, 5} <= set(dict(each.kept)) and dict(each.kept)[3] is not None]
    assert early
    assert {disk[:4] for disk in left(tmp_path, *early)} == {b"eeee"}


def test_lost_are_the_writes_that_are_not_on_the_disk_or_not_whole() -> None:
    assert [cut(ENTRIES, moment, "lost cache", Random(0)).lost for moment in (2, 3, 6, 7)] == [2, 0, 3, 0]
    assert cut(ENTRIES, 6, "in order", Random(0)).lost == 0
    assert cut(ENTRIES, 8, "torn", Random(0)).lost == 1


def test_a_write_of_one_sector_is_not_torn() -> None:
    entries = [Write(0, b"x" * SECTOR_BYTES)]
    assert cut(entries, 1, "torn", Random(0)).kept == ((0, None),)


def test_a_save_has_returned_from_the_moment_at_which_the_log_had_so_many_entries() -> None:
    saves = [Save(4, began=2, returned=5), Save(5, began=5, returned=7)]
    assert begun_and_returned(saves, 1) == ((), ())
    assert begun_and_returned(saves, 4) == ((4,), ())
    assert begun_and_returned(saves, 5) == ((4, 5), (4,))
    assert begun_and_returned(saves, 8) == ((4, 5), (4, 5))


def test_moments_reach_from_the_first_save_to_the_end() -> None:
    drawn = moments([Save(1, 2, 4), Save(2, 5, 6)], 9, Random(0))
    assert {next(drawn) for _ in range(300)} == set(range(2, 10))


def test_no_two_cuts_are_alike_and_drawing_ends(tmp_path: Path) -> None:
    saves = [Save(1, 0, len(ENTRIES))]
    drawn = list(cuts(ENTRIES, saves, Random(0)))
    whole = [each for each in drawn if each.kind != "torn"]
    disks = {
        (disk, begun_and_returned(saves, each.moment)) for each, disk in zip(whole, left(tmp_path, *whole), strict=True)
    }
    # "c" below "e" is no other disk than "e" alone, so three disks stand twice: with and without "c", and "d" or not
    assert len(whole) == len(disks) + 2
    assert len(drawn) > len(whole)


def test_a_log_is_read_as_it_was_written_and_places_in_it_are_found(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "log")
    sizes = []
    for entry in ENTRIES:
        log.write(entry.offset, entry.data) if isinstance(entry, Write) else log.flush()
        sizes.append((tmp_path / "log").stat().st_size)
    assert read(tmp_path / "log") == (ENTRIES, sizes)


def test_a_copy_has_the_bytes_and_the_holes(tmp_path: Path) -> None:
    with (tmp_path / "one").open("wb") as file:
        file.truncate(8 << 20)
        for place in (1 << 20, 5 << 20):
            file.seek(place)
            file.write(b"x" * 5000)
    copy(tmp_path / "one", tmp_path / "other")
    assert (tmp_path / "other").read_bytes() == (tmp_path / "one").read_bytes()
    assert (tmp_path / "other").stat().st_blocks == (tmp_path / "one").stat().st_blocks


def test_a_file_system_that_cannot_be_made_is_left_out_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_cuts, "FILE_SYSTEMS", (FileSystem("nosuchfs", 1 << 20, (), ""),))
    (result,) = disk_cuts.run(cast("Stand", SimpleNamespace(name=OURS)), Plan(quick=True))
    assert result.trials == 0
    assert result.skipped.startswith("nosuchfs: ")


def test_returned_saves_survive_on_file_systems_and_planted_faults_are_found() -> None:
    with Stand(OURS) as stand:
        results = list(disk_cuts.run(stand, Plan(quick=True)))
    ours = [result for result in results if result.format == OURS]
    assert [result.case for result in ours] == ["ext4", "xfs", "btrfs"]
    assert not [(result.case, result.misses, result.examples) for result in ours if result.misses]
    tried = [result for result in ours if not result.skipped]
    if not tried:
        pytest.skip("; ".join(result.skipped for result in ours))
    assert all(disk_cuts.loaded(result) == 10 for result in tried)
    faulty = [result for result in results if result.format != OURS]
    assert len(faulty) == 2 * len(tried)
    assert all(result.misses for result in faulty)
    assert "dovetail without fsync of folders" in render(results, {})
