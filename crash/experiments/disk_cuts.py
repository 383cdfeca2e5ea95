"""Saves on ext4, xfs and btrfs whose disk is recorded, and power cuts of that disk: the kernel mounts what is left, and
what is there is loaded."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from random import Random

from crash.disks.cuts import Cut, Save, begun_and_returned, cuts
from crash.disks.file_systems import FILE_SYSTEMS, VARIANTS, CannotMount, FileSystem, sync
from crash.disks.images import images
from crash.disks.log import read
from crash.disks.recording import Recording, in_memory, recording, why_not
from crash.experiments.plan import Plan
from crash.experiments.power_cuts import OUTCOMES
from crash.formats.catalogue import OURS
from crash.results import NO_VERDICT, Result
from crash.stand import Case, Stand
from dovetail_conformance.power_cut import State, Verdict, verdict

SAVES_IN_A_ROW = 4
VARIANT_CUTS = 200
SAVED = "saves"
UNMOUNTABLE = {
    True: f"{NO_VERDICT}the file system does not mount after a torn write",
    False: f"{NO_VERDICT}the file system does not mount, though no write was torn",
}
"""No checkpoint format can help it; without torn writes no file system should do so."""
CONTROLS = {"everything": "without fsync", "folders": "without fsync of folders"}
"""Faults that the experiment must find, or it proves nothing: what isn't synced, and how the result is called."""


def run(stand: Stand, plan: Plan) -> Iterator[Result]:
    variants = VARIANTS if stand.name == OURS and not plan.quick else ()
    for kind in (*FILE_SYSTEMS, *variants):
        result = Result("disk-cuts", stand.name, str(kind), plan.seed)
        if reason := why_not(kind):
            result.skipped = reason
            yield result
            continue
        full = VARIANT_CUTS if kind.variant else 500
        _try_all(stand, kind, list(_cases(stand)), plan.count(full, stand.name, quick=10, peers=100), result)
        controls = list(_controls(stand, kind, plan)) if stand.name == OURS and not kind.variant else []
        for control in controls:
            if not control.misses:
                result.add("a planted fault is not found", miss=True, example=control.format)
        yield result
        yield from controls


def _cases(stand: Stand) -> Iterator[Case]:
    """Each way to save a little, and two of them with more."""
    if "ranks" in stand.about["ways"]:
        yield Case("three ranks", "ranks")
    for case in stand.cases():
        if case.payload == "small":
            yield case
        if case.name in ("over an old one", "several shards"):
            yield replace(case, name=f"{case.name}, 4 MiB", payload="large")


def _controls(stand: Stand, kind: FileSystem, plan: Plan) -> Iterator[Result]:
    """What is found where our own format doesn't sync."""
    names = ("several steps",) if plan.quick else ("over an old one", "several steps")
    cases = [case for case in stand.cases() if case.name in names]
    for unsynced, name in CONTROLS.items():
        result = Result("disk-cuts", f"{stand.name} {name}", kind.name, plan.seed)
        _try_all(stand, kind, cases, plan.count(100, stand.name, quick=8), result, unsynced)
        yield result


def _try_all(
    stand: Stand, kind: FileSystem, cases: Sequence[Case], count: int, result: Result, unsynced: str = ""
) -> None:
    """So many power cuts, shared out among the cases."""
    random = Random(result.seed)
    for place, case in enumerate(cases):
        part = (count - loaded(result)) // (len(cases) - place)
        with in_memory() as home:
            with recording(kind, home) as disk:
                places = _save_in_a_row(stand, disk, case, unsynced)
            entries, ends = read(disk.log)
            saves = [Save(number, bisect_right(ends, began), bisect_right(ends, end)) for number, began, end in places]
            drawn = cuts(entries, saves, random)
            goal = loaded(result) + part
            tried: list[Cut] = []
            while some := list(islice(drawn, goal - loaded(result))):
                _load_all(stand, kind, case, saves, images(disk.base, entries, some, home), home / "mounted", result)
                tried += some
        after = sum(bool(begun_and_returned(saves, cut.moment)[1]) for cut in tried)
        result.notes.append(
            f"{case.name}: {len(entries)} writes and flushes; of {len(tried)} cuts {after} after a save had returned, "
            f"{sum(cut.lost > 0 for cut in tried)} with writes that were lost"
        )


def loaded(result: Result) -> int:
    """The trials in which there was something to load from."""
    return sum(count for outcome, count in result.counts.items() if not outcome.startswith(NO_VERDICT))


def _save_in_a_row(stand: Stand, disk: Recording, case: Case, unsynced: str) -> list[tuple[int, int, int]]:
    """Number of each save under trial, and the places in the log where it began and where it had returned.

    All that was saved earlier is on the disk; then nothing but these saves has anything written.
    """
    root = stand.template(case, disk.root / SAVED)
    sync(disk.root)
    places = []
    for number in range(case.number, case.number + (SAVES_IN_A_ROW if case.earlier else 1)):
        began = disk.place()
        outcome = stand.save(root, case, number, unsynced=unsynced)
        places.append((number, began, disk.place()))
        if not outcome["returned"]:
            raise RuntimeError(f"{stand.name} can't save on a recorded disk: {outcome['error']}")
    return places


def _load_all(
    stand: Stand,
    kind: FileSystem,
    case: Case,
    saves: Sequence[Save],
    disks: Iterator[tuple[Cut, Path]],
    folder: Path,
    result: Result,
) -> None:
    folder.mkdir(exist_ok=True)
    last = replace(case, earlier=saves[-1].number - 1)
    earlier = tuple(range(1, case.number))
    for cut, image in disks:
        example = f"{case.name}, {cut.kind}, after {cut.moment} writes and flushes"
        try:
            with kind.mounted(image, folder):
                found = stand.found(folder / SAVED, last)
        except CannotMount as error:
            result.add(UNMOUNTABLE[cut.kind == "torn"])
            result.notes.append(f"{example}: {error}")
            continue
        begun, returned = begun_and_returned(saves, cut.moment)
        judged = _judged(found, earlier + begun, earlier + returned)
        example += f": found {found}, returned {', '.join(map(str, earlier + returned)) or 'none'}"
        result.add(OUTCOMES[judged], miss=judged is not Verdict.SOUND, example=example)


def _judged(found: int | str | None, begun: tuple[int, ...], returned: tuple[int, ...]) -> Verdict:
    state = State(0, {}, frozenset(), begun, returned)  # what is on the disk, the kernel knows
    return verdict(state, lambda _: found)
