"""The crash harness judges rightly: a format that loses is caught, and one that doesn't is let pass."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any

import pytest

from crash import damage, hostile, recording, report, tracing
from crash.child import Child
from crash.command_line import main
from crash.experiments import byte_damage, kills, power_cuts, storage_errors
from crash.experiments.plan import Plan
from crash.payloads import PAYLOADS, digest
from crash.results import Result
from crash.stand import Case, Stand, judged
from crash.worker_process import WorkerLost, WorkerProcess
from dovetail_conformance import power_cut
from dovetail_protocols.errors import CheckpointError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the harness is for Linux")
needs_strace = pytest.mark.skipif(tracing.why_not() is not None, reason=str(tracing.why_not()))
QUICK = Plan(quick=True)


def totals(results: list[Result]) -> tuple[int, int]:
    return sum(result.trials for result in results), sum(sum(result.misses.values()) for result in results)


# The other formats that the tests have anyway lose what they are known to lose


@pytest.fixture(scope="module")
def npz() -> Any:
    with Stand("numpy-npz") as stand:
        yield stand


@needs_strace
def test_kill_while_a_file_is_written_over_loses_the_old_one(npz: Stand) -> None:
    (result,) = (each for each in kills.run(npz, QUICK) if each.case == "over an old one")
    assert result.misses["old one lost"] > 5
    assert result.counts["old one whole"] >= 1


@needs_strace
def test_storage_error_while_a_file_is_written_over_loses_the_old_one(npz: Stand) -> None:
    (result,) = (each for each in storage_errors.run(npz, QUICK) if each.case == "over an old one")
    assert result.misses["raised, old one lost"] > 0
    assert result.misses["raised, wrong values loaded"] > 10  # NumPy closes the archive, without what it couldn't write


@needs_strace
def test_save_without_fsync_is_lost_by_a_power_cut(npz: Stand) -> None:
    results = list(power_cuts.run(npz, QUICK))
    assert len(results) == 6
    assert all(result.misses for result in results)
    assert all(result.misses["a save that had returned is lost"] for result in results[:4])


@needs_strace
def test_save_survives_a_failed_sync_only_if_it_is_durable_without(npz: Stand, tmp_path: Path) -> None:
    """npz never syncs; ours syncs once more than it must where it removes an old step, after the new one is durable."""
    case = Case("several steps", "steps", earlier=3)
    template = npz.template(case, tmp_path / "npz")
    assert not power_cuts.survives(npz, case, template, power_cuts.recorded(npz, case, template))
    with Stand("dovetail") as ours:
        template = ours.template(case, tmp_path / "dovetail")
        syncs = dict(kills.calls_of_a_save(ours, case, template, tmp_path / "log"))["fsync"]
        events = power_cuts.recorded(ours, case, template, *tracing.injected("fsync", syncs, "EIO"))
        assert power_cuts.survives(ours, case, template, events)
        left_out = [event for event in events if not isinstance(event, power_cut.SyncFolder)]
        assert not power_cuts.survives(ours, case, template, left_out)


@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")  # of JAX, which other tests may have loaded
def test_child_waits_for_its_release_before_anyone_may_trace_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a kill before its first close would meet it before its save, on a machine where it starts late."""
    fork = os.fork

    def late() -> int:
        process = fork()
        if not process:
            time.sleep(0.2)
        return process

    monkeypatch.setattr(os, "fork", late)
    opened: list[int] = []
    pipe = os.pipe

    def noted() -> tuple[int, int]:
        opened.extend(pipe())
        return opened[0], opened[1]

    monkeypatch.setattr(os, "pipe", noted)
    child = Child(lambda: None, ())
    still_open = [file in os.listdir(f"/proc/{child.pid}/fd") for file in map(str, opened)]
    assert child.release(None, 60.0)["returned"]
    assert still_open == [True, False]  # it has closed its end for writing


@needs_strace
def test_trace_is_there_once_the_process_was_stopped_and_waits_again(
    npz: Stand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has a tracer before that, which is not told of its calls yet."""
    rests: list[int | None] = []
    rests_so_far = tracing.rests_so_far

    def noted(process: int) -> int | None:
        rests.append(rests_so_far(process))
        return rests[-1]

    monkeypatch.setattr(tracing, "rests_so_far", noted)
    case = next(each for each in npz.cases() if each.name == "first save")
    trace = tracing.Trace(npz.start(tmp_path, case, 1), tmp_path / "log", *tracing.kill_before("openat", 1))
    assert npz.saver.ask("release")["signal"] == signal.SIGKILL
    trace.ended()
    before, *_, after = (count for count in rests if count is not None)
    assert after >= before + 2


def test_flipped_bits_are_not_noticed_without_checksums() -> None:
    with Stand("safetensors") as stand:
        (bits, *_) = byte_damage.run(stand, QUICK)
    assert bits.trials == 1500
    assert bits.misses["wrong"] > 1000


def test_format_that_is_not_installed_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    if find_spec("flax"):
        pytest.skip("flax is installed")
    assert main(["--quick", "--formats", "flax-msgpack", "--only", "digests"]) == 0
    assert "| flax-msgpack | left out | ModuleNotFoundError: No module named 'flax' |" in capsys.readouterr().out


# Judgment


@pytest.mark.parametrize(
    ("earlier", "returned", "found", "said"),
    [
        (0, False, None, ("nothing yet", False)),
        (0, False, 1, ("new one whole", False)),
        (0, True, None, ("returned, but not there", True)),
        (1, False, None, ("old one lost", True)),
        (1, False, 1, ("old one whole", False)),
        (1, True, 1, ("returned, but not there", True)),
        (1, True, 2, ("new one whole", False)),
        (3, False, 2, ("older one only", True)),
        (1, True, "other values", ("wrong values loaded", True)),
    ],
)
def test_judgment(earlier: int, returned: bool, found: Any, said: tuple[str, bool]) -> None:
    assert judged(Case("a case", "plain", earlier=earlier), {"returned": returned}, found) == said


def test_digest_tells_names_dtypes_shapes_and_bytes_apart() -> None:
    arrays = PAYLOADS["small"](1)
    others = [
        PAYLOADS["small"](2),
        {**arrays, "mask": arrays["mask"].reshape(10, 10)},
        {**arrays, "mask": arrays["mask"].view("int8")},
        {("Mask" if name == "mask" else name): array for name, array in arrays.items()},
    ]
    assert digest(dict(reversed(arrays.items()))) == digest(arrays)
    assert len({digest(each) for each in [arrays, *others]}) == 5


@pytest.mark.parametrize("kind", damage.KINDS)
def test_damage_changes_one_file_only(kind: str) -> None:
    sizes = (5000, 0, 1500)
    for each in list(damage.every(kind, sizes, Random(0), 50))[:200]:
        sound = Random(each.file).randbytes(sizes[each.file])
        damaged = each.done_to(sound, stale=Random(each.file + 9).randbytes(sizes[each.file]))
        if kind in ("truncation", "extension"):
            assert damaged[: len(sound)] == sound[: len(damaged)]
            assert len(damaged) != len(sound)
        else:
            assert len(damaged) == len(sound)
            assert damaged != sound or kind == "swapped blocks"


def test_every_bit_and_every_length_is_among_the_damages() -> None:
    assert len(set(damage.every("bit", (3, 2), Random(0), 0))) == 40
    assert len(set(damage.every("truncation", (3, 2), Random(0), 0))) == 5


def test_report_counts_misses_of_trials() -> None:
    result = Result("kills", "acme", "a case", seed=0)
    result.add("old one whole")
    result.add("old one lost", miss=True, example="killed before write 1")
    text = report.render([result], {"acme": {"missing": "no acme"}})
    assert "| acme | 1 of 2 | 0 |" in text
    assert "- acme: 1 old one lost; such as `old one lost: killed before write 1`" in text


def test_reports_of_several_runs_are_one(tmp_path: Path) -> None:
    result = Result("kills", "acme", "a case", seed=0)
    result.add("old one lost", miss=True, example="killed before write 1")
    for number in (1, 2):
        found = {"formats": {"acme": {"missing": "no acme"}}, "results": [result.to_json()]}
        (tmp_path / f"{number}.json").write_text(json.dumps(found), "utf-8")
    assert "| acme | 2 of 2 | 0 |" in report.of_files(sorted(tmp_path.iterdir()))


@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")  # of JAX, which other tests may have loaded
def test_attack_that_is_accepted_raises_otherwise_or_takes_too_much_is_a_miss() -> None:
    def refuse() -> None:
        raise CheckpointError("no")

    def raise_otherwise() -> None:
        raise ValueError("no")

    attacks = {
        "as it must be": hostile.Attack("refused", refuse, "CheckpointError"),
        "another outcome": hostile.Attack("accepted", lambda: None, "CheckpointError"),
        "no error of ours": hostile.Attack("untyped", raise_otherwise, None),
        "it took too much": hostile.Attack("large", lambda: bytearray(b"x") * (100 << 20), None),
        "died of signal 9": hostile.Attack("dead", lambda: os.kill(os.getpid(), 9), None),
    }
    assert [hostile.measured(attack)[0] for attack in attacks.values()] == [*attacks]


# Recording

LOG = r"""
7 mkdir("/r/t", 0777) = 0
7 openat(AT_FDCWD</elsewhere>, "/r/t/f", O_WRONLY|O_CREAT|O_EXCL, 0666) = 5</r/t/f>
7 write(5</r/t/f>, "abcd", 4) = 4
7 lseek(5</r/t/f>, 1, SEEK_SET) = 1
7 writev(5</r/t/f>, [{iov_base="x", iov_len=1}, {iov_base="yz", iov_len=2}], 2) = 2
8 fsync(5</r/t/f> <unfinished ...>
7 pwrite64(5</r/t/f>, "e", 1, 6) = 1
8 <... fsync resumed>) = 0
7 fallocate(5</r/t/f>, 0, 0, 10) = 0
7 close(5</r/t/f>) = 0
7 openat(AT_FDCWD</elsewhere>, "/r/gone", O_RDONLY) = -1 ENOENT (No such file or directory)
7 openat(AT_FDCWD</elsewhere>, "/r", O_RDONLY|O_CLOEXEC) = 5</r>
7 fsync(5</r>) = 0
7 renameat2(AT_FDCWD</r>, "t", AT_FDCWD</r>, "old", RENAME_EXCHANGE) = 0
7 unlinkat(6</r/t>, "f", 0) = 0
7 rmdir("/r/t") = 0
"""


def hexadecimal(log: str) -> str:
    """A log as strace writes it with -xx: paths and strings in hexadecimal."""

    def digits(match: re.Match[str]) -> str:
        return match[1] + "".join(f"\\x{byte:02x}" for byte in match[2].encode()) + match[3]

    return re.sub(r"(<)(/[^>]*)(>)", digits, re.sub(r'(")([^"]*)(")', digits, log))


def test_log_is_read_as_events(tmp_path: Path) -> None:
    log, root = tmp_path / "log", tmp_path / "r"
    log.write_text(hexadecimal(LOG.replace("/r", str(root.resolve()))), "ascii")
    before = {"old": None, "old/f": b"1"}
    (root / "old").mkdir(parents=True)
    (root / "old" / "f").write_bytes(b"axyd\0\0e\0\0\0")
    assert recording.events_of(log, root, before) == [
        power_cut.MakeFolder("t"),
        power_cut.CreateFile("t/f"),
        power_cut.Write("t/f", 0, b"abcd"),
        power_cut.Write("t/f", 1, b"xy"),
        power_cut.Write("t/f", 6, b"e"),
        power_cut.SyncFile("t/f"),
        power_cut.Truncate("t/f", 10),
        power_cut.SyncFolder(""),
        power_cut.Exchange("t", "old"),
        power_cut.RemoveFile("t/f"),
        power_cut.RemoveFolder("t"),
    ]


def test_log_that_does_not_lead_to_the_disk_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("", "ascii")
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "f").write_bytes(b"")
    with pytest.raises(recording.CannotRecord, match="don't lead to"):
        recording.events_of(tmp_path / "log", tmp_path / "r", {})


# Workers


def test_worker_that_dies_is_told_and_replaced() -> None:
    with WorkerProcess("numpy-npz") as worker:
        with pytest.raises(WorkerLost) as caught:
            worker.ask("load_many", root="/", way="plain", stop="/it never stops", within_seconds=0.1)
        assert caught.value.signal is None  # it hung
        assert worker.ask("describe")["ways"] == ["plain", "steps"]
        with pytest.raises(RuntimeError, match="KeyError: 'no way'"):
            worker.ask("save", root="/", way="no way", number=1, payload="small", seed=1)
