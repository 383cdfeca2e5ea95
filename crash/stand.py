"""One format under test: a process that saves, another that loads, and the rules by which an outcome is judged."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

from crash.payloads import PAYLOADS, digest
from crash.tracing import scratch
from crash.worker_process import WorkerLost, WorkerProcess


@dataclass(frozen=True)
class Case:
    """What is saved: in which way, what, and how many saves stand there before."""

    name: str
    way: str
    payload: str = "small"
    earlier: int = 1

    @property
    def number(self) -> int:
        """The number of the save that is tried, which is the seed of its values too."""
        return self.earlier + 1


CASES = (
    Case("first save", "plain", earlier=0),
    Case("over an old one", "plain"),
    Case("many small tensors", "plain", "many"),
    Case("several shards", "shards"),
    Case("several steps", "steps", earlier=3),
    Case("in the background", "background", earlier=3),
)


class Stand:
    """The workers of one format.

    Raises: FormatMissing.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.saver = WorkerProcess(name)
        self.loader = WorkerProcess(name)
        self.about: dict[str, Any] = self.saver.ask("describe")

    def close(self) -> None:
        self.saver.close()
        self.loader.close()

    def __enter__(self) -> Stand:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def cases(self) -> list[Case]:
        """The cases that the format has a way for."""
        return [case for case in CASES if case.way in self.about["ways"]]

    def save(self, root: Path, case: Case, number: int, **options: Any) -> dict[str, Any]:
        """A save that nobody disturbs, in a process of its own; its outcome."""
        self.start(root, case, number, **options)
        outcome: dict[str, Any] = self.saver.ask("release")
        return outcome

    def start(self, root: Path, case: Case, number: int, **options: Any) -> int:
        """A process that waits to make the save of a number; its id. `saver.ask("release")` lets it go."""
        options |= {"root": str(root), "way": case.way, "payload": case.payload, "number": number, "seed": number}
        pid: int = self.saver.ask("fork", **options)
        return pid

    def template(self, case: Case, root: Path | None = None) -> Path:
        """A folder with the saves that stand there before, to be copied for each trial: `root`, or a new one."""
        self.saver.ask("warm", way=case.way)
        root = root or scratch()
        root.mkdir(exist_ok=True)
        for number in range(1, case.number):
            outcome = self.save(root, case, number)
            if not outcome["returned"]:
                raise RuntimeError(f"{self.name} can't save at all: {outcome['error']}")
        return root

    def found(self, root: Path, case: Case) -> int | str | None:
        """The number of the save that is loaded, "other values" where nobody saved them, None where it is refused."""
        return named(self.load(root, case), case)

    def load(self, root: Path, case: Case) -> dict[str, Any]:
        """The digest that is loaded, or the error."""
        try:
            answer: dict[str, Any] = self.loader.ask("load", root=str(root), way=case.way, payload=case.payload)
        except WorkerLost as lost:
            text = "it hangs" if lost.signal is None else f"it dies of signal {lost.signal}"
            answer = {"error": {"kind": "WorkerLost", "text": text, "expected": False}}
        return answer


def named(loaded: dict[str, Any], case: Case) -> int | str | None:
    """Of which save the values are."""
    if "digest" not in loaded:
        return None
    numbers = {_digest(case.payload, number): number for number in range(1, case.number + 2)}
    return numbers.get(loaded["digest"], "other values")


@cache
def _digest(payload: str, number: int) -> str:
    """Of the values of a save; found once, for it takes longer than many a save."""
    return digest(PAYLOADS[payload](number))


def judged(case: Case, outcome: dict[str, Any], found: int | str | None) -> tuple[str, bool]:
    """What became of a save that was disturbed, and whether that is a miss: the old or the new one must be whole."""
    if outcome.get("hung"):
        return "hung", True
    if found == "other values":
        return "wrong values loaded", True
    if outcome["returned"] and found != case.number:
        return "returned, but not there", True
    if found == case.number:
        return "new one whole", False
    if found is None:
        return ("old one lost", True) if case.earlier else ("nothing yet", False)
    return ("old one whole", False) if found == case.number - 1 else ("older one only", True)


def leftovers(root: Path) -> list[str]:
    """Names of what a save makes for itself alone: temporary files and folders."""
    names = [path.relative_to(root).as_posix() for path in root.rglob("*")]
    return [name for name in names if any(word in name.rpartition("/")[2] for word in ("tmp", "trash"))]


def copied(template: Path) -> Path:
    """A folder of one trial's own."""
    root = scratch()
    shutil.copytree(template, root, dirs_exist_ok=True)
    return root
