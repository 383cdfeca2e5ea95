"""The states after a power cut are those that a disk allows, and each fsync that a save leaves out is noticed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dovetail_conformance.power_cut import (
    JOURNALED,
    POSIX,
    CreateFile,
    Event,
    Exchange,
    Fate,
    Link,
    MakeFolder,
    RemoveFile,
    RemoveFolder,
    Rename,
    Rules,
    SaveBegan,
    SaveReturned,
    State,
    SyncAll,
    SyncFile,
    SyncFolder,
    Truncate,
    Verdict,
    Write,
    states,
    verdict,
)

MANY = 1 << 20


def outcomes(events: list[Event], moment: int | None = None, **options: Any) -> set[frozenset[tuple[str, bytes]]]:
    """The files after a power cut at one moment, the last if none is named, in each state."""
    at = [len(events) if moment is None else moment]
    found = states(events, random=Random(0), limit=MANY, moments=at, **options)
    return {frozenset(state.files.items()) for state in found}


def files(**named: bytes) -> frozenset[tuple[str, bytes]]:
    return frozenset(named.items())


CREATED: list[Event] = [CreateFile("f"), Write("f", 0, b"ab")]


def test_unsynced_file_is_absent_empty_whole_zeroed_or_garbled() -> None:
    assert outcomes(CREATED) == {
        files(),
        files(f=b""),
        files(f=b"ab"),
        files(f=b"\0\0"),
        files(f=bytes(byte ^ 0xA5 for byte in b"ab")),
    }


def test_synced_file_may_lack_its_name_but_not_its_contents() -> None:
    assert outcomes([*CREATED, SyncFile("f")]) == {files(), files(f=b"ab")}
    assert outcomes([*CREATED, SyncFile("f"), SyncFolder("")]) == {files(f=b"ab")}


def test_name_alone_is_synced_by_its_folder() -> None:
    assert files() not in outcomes([*CREATED, SyncFolder("")])
    assert files(f=b"") in outcomes([*CREATED, SyncFolder("")])


def test_blocks_survive_one_by_one() -> None:
    rules = Rules((Fate.LOST, Fate.KEPT))
    events = [CreateFile("f"), SyncFolder(""), Write("f", 0, b"abcd")]
    found = outcomes(events, rules=rules, block_bytes=2)
    assert found == {files(f=b""), files(f=b"ab"), files(f=b"\0\0cd"), files(f=b"abcd")}


def test_blocks_are_cut_where_the_disk_cuts_them() -> None:
    rules = Rules((Fate.LOST, Fate.KEPT))
    found = outcomes([Write("f", 1, b"bcd")], start={"f": b"----"}, rules=rules, block_bytes=2)
    assert found == {files(f=b"----"), files(f=b"-b--"), files(f=b"--cd"), files(f=b"-bcd")}


def test_rename_is_done_or_not_but_never_half() -> None:
    found = outcomes([Rename("f", "g")], start={"f": b"new", "g": b"old"})
    assert found == {files(f=b"new", g=b"old"), files(g=b"new")}


def test_exchange_is_done_or_not_but_never_half() -> None:
    found = outcomes([Exchange("f", "g")], start={"f": b"new", "g": b"old"})
    assert found == {files(f=b"new", g=b"old"), files(f=b"old", g=b"new")}


def test_names_in_a_folder_that_is_renamed_stay_unsynced() -> None:
    events = [MakeFolder("t"), CreateFile("t/f"), SyncFile("t/f"), Rename("t", "s"), SyncFolder("")]
    assert outcomes(events) == {files(), files(**{"s/f": b""})}


def test_truncation_and_what_is_written_after_it_survive_apart_unless_in_order() -> None:
    events = [Truncate("f", 0), Write("f", 0, b"n")]
    rules = Rules((Fate.LOST, Fate.KEPT))
    assert outcomes(events, start={"f": b"old"}, rules=rules) == {
        files(f=b"old"),
        files(f=b""),
        files(f=b"nld"),
        files(f=b"n"),
    }
    assert outcomes(events, start={"f": b"old"}, rules=JOURNALED) == {files(f=b"old"), files(f=b""), files(f=b"n")}


def test_journal_keeps_the_order_of_names() -> None:
    events = [RemoveFile("a"), RemoveFile("b")]
    start = {"a": b"", "b": b""}
    assert len(outcomes(events, start=start, rules=POSIX)) == 4
    assert outcomes(events, start=start, rules=JOURNALED) == {files(a=b"", b=b""), files(b=b""), files()}


def test_journal_makes_earlier_names_durable_with_any_sync() -> None:
    assert outcomes([*CREATED, SyncFile("f")], rules=JOURNALED) == {files(f=b"ab")}


def test_states_are_sampled_where_there_are_too_many() -> None:
    events = [CreateFile("f"), Write("f", 0, bytes(range(200)))]
    found = list(states(events, random=Random(1), limit=50, block_bytes=1, moments=[2]))
    assert 20 < len(found) <= 50
    again = list(states(events, random=Random(1), limit=50, block_bytes=1, moments=[2]))
    assert [state.files for state in found] == [state.files for state in again]


def test_no_state_comes_twice() -> None:
    found = list(states([*CREATED, SyncFile("f"), SyncFolder("")], random=Random(0), limit=MANY))
    assert len(found) == len({(frozenset(state.files.items()), state.folders) for state in found})


def test_path_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="event 2: there is no 'g'"):
        list(states([CreateFile("f"), Write("g", 0, b"")], random=Random(0), limit=1))


def test_state_is_written_to_a_folder(tmp_path: Path) -> None:
    events = [MakeFolder("a"), MakeFolder("a/b"), CreateFile("a/b/f"), Write("a/b/f", 1, b"x"), SyncAll()]
    (state,) = states(events, random=Random(0), limit=MANY, moments=[5])
    state.write_to(tmp_path)
    assert tree(tmp_path) == {"a": None, "a/b": None, "a/b/f": b"\0x"}


# Beside a real disk


def tree(folder: Path) -> dict[str, bytes | None]:
    paths = sorted(folder.rglob("*"))
    return {path.relative_to(folder).as_posix(): None if path.is_dir() else path.read_bytes() for path in paths}


def write(path: Path, offset: int, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    os.pwrite(descriptor, data, offset)
    os.close(descriptor)


def exchange(one: Path, other: Path) -> None:
    one.rename(one.with_name("between"))
    other.rename(one)
    one.with_name("between").rename(other)


REAL: dict[type, Callable[..., Any]] = {
    MakeFolder: Path.mkdir,
    CreateFile: lambda path: path.touch(exist_ok=False),
    Write: write,
    Truncate: os.truncate,
    Rename: os.rename,
    Exchange: exchange,
    Link: os.link,
    RemoveFile: os.unlink,
    RemoveFolder: os.rmdir,
}
NAMES = st.sampled_from(["a", "b", "d", "d/a", "d/b", "d/e", "d/e/a"])
EVENTS = st.one_of(
    st.builds(MakeFolder, NAMES),
    st.builds(CreateFile, NAMES),
    st.builds(Write, NAMES, st.integers(0, 5), st.binary(max_size=5)),
    st.builds(Truncate, NAMES, st.integers(0, 5)),
    *(st.builds(kind, NAMES, NAMES) for kind in (Rename, Exchange, Link)),
    *(st.builds(kind, NAMES) for kind in (RemoveFile, RemoveFolder)),
)


@settings(max_examples=150)
@given(st.lists(EVENTS, min_size=4, max_size=20))
def test_what_survives_whole_is_what_a_real_disk_has(tmp_path_factory: pytest.TempPathFactory, tried: Any) -> None:
    folder = tmp_path_factory.mktemp("disk")
    done: list[Event] = []
    for event in tried:
        paths = [
            folder / path for path in (getattr(event, name, None) for name in ("path", "source", "target")) if path
        ]
        rest = [getattr(event, name) for name in ("offset", "size", "data") if hasattr(event, name)]
        if isinstance(event, Exchange) and not (paths[0].is_file() and paths[1].is_file()):
            continue
        try:
            REAL[type(event)](*paths, *rest)
        except OSError:
            continue
        done.append(event)
    (state,) = states([*done, SyncAll()], random=Random(0), limit=MANY, block_bytes=2, moments=[len(done) + 1])
    assert {**dict.fromkeys(state.folders), **state.files} == tree(folder)


# A save, and the same with one fault each

SYNCS = ("the parent", "a shard", "the manifest", "the staging folder", "the root")


def saves(*, without: str = "") -> list[Event]:
    """Two saves of a shard of two blocks and a manifest with its digest, as checkpointing's design has them."""
    events: list[Event] = [MakeFolder("root"), SyncFolder("") if without != "the parent" else SaveBegan("0")]
    for step in "12":
        events += [SaveBegan(step), *save(step, without), SaveReturned(step)]
    return events


def save(step: str, without: str = "") -> Iterator[Event]:
    shard, folder = step.encode() * 8, f"root/tmp-{step}"
    yield MakeFolder(folder)
    for name, data in (("a shard", shard), ("the manifest", sha256(shard).digest()[:4])):
        yield CreateFile(f"{folder}/{name}")
        yield Write(f"{folder}/{name}", 0, data)
        if without != name:
            yield SyncFile(f"{folder}/{name}")
    if without != "the staging folder":
        yield SyncFolder(folder)
    yield Rename(folder, f"root/step-{step}")
    if without != "the root":
        yield SyncFolder("root")


def newest(state: State, *, checks: bool = True) -> str | None:
    """The number of the highest step that is whole; without `checks`, of the highest that has both files."""
    for step in "21":
        shard = state.files.get(f"root/step-{step}/a shard")
        digest = state.files.get(f"root/step-{step}/the manifest")
        if shard is not None and digest is not None and (not checks or digest == sha256(shard).digest()[:4]):
            return step if shard == step.encode() * 8 else "other values"
    return None


def verdicts(events: list[Event], rules: Rules = POSIX, **options: bool) -> dict[Verdict, int]:
    counts = dict.fromkeys(Verdict, 0)
    for state in states(events, random=Random(0), limit=2000, rules=rules, block_bytes=4):
        counts[verdict(state, lambda found: newest(found, **options))] += 1
    return counts


@pytest.mark.parametrize("rules", [POSIX, JOURNALED], ids=["posix", "journaled"])
def test_save_with_every_fsync_survives_in_every_state(rules: Rules) -> None:
    counts = verdicts(saves(), rules)
    assert counts[Verdict.SOUND] == sum(counts.values()) > 20


@pytest.mark.parametrize("left_out", SYNCS)
def test_each_fsync_that_is_left_out_loses_a_save_that_returned(left_out: str) -> None:
    counts = verdicts(saves(without=left_out))
    assert counts[Verdict.LOST] + counts[Verdict.STALE] > 0
    assert counts[Verdict.WRONG] == 0


def test_checksum_that_is_not_checked_gives_wrong_values() -> None:
    assert verdicts(saves(), checks=False)[Verdict.WRONG] == 0
    assert verdicts(saves(without="a shard"), checks=False)[Verdict.WRONG] > 0


def test_save_over_the_old_one_loses_it() -> None:
    events: list[Event] = [MakeFolder("root"), SyncFolder(""), SaveBegan("1"), *save("1"), SaveReturned("1")]
    shard = "root/step-1/a shard"
    events += [SaveBegan("2"), Truncate(shard, 0), Write(shard, 0, b"2" * 8), SyncFile(shard)]
    assert verdicts(events)[Verdict.LOST] > 0
    assert verdicts(events, checks=False)[Verdict.WRONG] > 0


def test_kind_disk_forgives_some_of_what_is_left_out_but_not_all() -> None:
    kind = {name: verdicts(saves(without=name), JOURNALED) for name in SYNCS}
    forgiven = {name for name, counts in kind.items() if counts[Verdict.SOUND] == sum(counts.values())}
    assert forgiven == {"the parent", "the staging folder"}


def test_verdicts_tell_lost_stale_and_wrong_apart() -> None:
    def judged(found: Any, returned: tuple[str, ...]) -> Verdict:
        return verdict(State(0, {}, frozenset(), ("1", "2", "3"), returned), lambda _: found)

    assert [judged(found, ("1", "2")) for found in (None, "1", "2", "3", "other")] == [
        Verdict.LOST,
        Verdict.STALE,
        Verdict.SOUND,
        Verdict.SOUND,
        Verdict.WRONG,
    ]
    assert [judged(found, ()) for found in (None, "1", "other")] == [Verdict.SOUND, Verdict.SOUND, Verdict.WRONG]
