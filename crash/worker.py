"""`python -m crash.worker FORMAT`: a process that has imported one format and does jobs, one line of JSON each."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from crash.child import Child, said
from crash.damage import Damage, try_damage
from crash.formats.catalogue import load_format
from crash.formats.format import Format
from crash.payloads import PAYLOADS, Arrays, digest

_MEMORY_BYTES = 8 << 30
"""What loading a damaged checkpoint may take, so that one that asks for more does not take the machine's."""


@cache
def _expected(payload: str) -> Arrays:
    """What formats that read into something are given; made once, for it takes as long as a load."""
    return PAYLOADS[payload](0)


@lru_cache(8)
def _saved(payload: str, seed: int) -> Arrays:
    """What forked children save; made once for all that make the same save."""
    return PAYLOADS[payload](seed)


class Jobs:
    """What a worker can be asked to do."""

    def __init__(self, form: Format) -> None:
        self.form = form
        self._child: Child | None = None

    def describe(self) -> dict[str, Any]:
        versions = {name: version(name) for name in self.form.distributions}
        warm = self.form.forks_warm
        return {
            "versions": versions,
            "ways": list(self.form.ways),
            "warm": warm,
            "calls": self.form.calls,
        }

    def warm(self, way: str) -> None:
        """Saves and loads once, so that what is imported late is there and no trial pays for it."""
        if not self.form.forks_warm:
            return
        root = Path(tempfile.mkdtemp())
        try:
            self.save(str(root), way, 1, "small", 1)
            self.load(str(root), way, "small")
        finally:
            shutil.rmtree(root)

    def save(self, root: str, way: str, number: int, payload: str, seed: int) -> None:
        self.form.ways[way].save(Path(root), number, PAYLOADS[payload](seed))

    def load(self, root: str, way: str, payload: str) -> dict[str, Any]:
        """What is found: its digest, or the error that was raised."""
        try:
            return {"digest": digest(self.form.ways[way].load(Path(root), _expected(payload)))}
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is the outcome; torch's is no Exception
            return {"error": said(error, self.form.refusals)}

    def fork(self, root: str, way: str, number: int, payload: str, seed: int, **disturbed: Any) -> int:
        """A child that waits to make a save, disturbed as Child can be; its process id."""
        threads = len(os.listdir("/proc/self/task"))
        if threads > 1:
            raise RuntimeError(f"{self.form.name}: {threads} threads run, so a fork may hang")
        arrays, save = _saved(payload, seed), self.form.ways[way].save
        self._child = Child(lambda: save(Path(root), number, arrays), self.form.refusals, **disturbed)
        return self._child.pid

    def release(self, kill_after_seconds: float | None = None, timeout_seconds: float = 60.0) -> dict[str, Any]:
        """Lets the child save, and gives its end."""
        if self._child is None:
            raise RuntimeError("there is no child")
        child, self._child = self._child, None
        return child.release(kill_after_seconds, timeout_seconds)

    def save_many(self, root: str, way: str, first: int, stride: int, count: int) -> dict[str, Any]:
        """Makes the saves `first`, `first + stride`, …; counts what became of them, and how often it had to wait."""
        counts: Counter[str] = Counter()
        texts: dict[str, str] = {}
        for number in range(first, first + stride * count, stride):
            while True:
                try:
                    self.save(root, way, number, "small", number)
                    counts["returned"] += 1
                except self.form.busy:
                    counts["busy, tried again"] += 1
                    time.sleep(0.1 * random.random())
                    continue
                except BaseException as error:  # noqa: BLE001 - whatever it is, it is the outcome
                    _count(counts, texts, said(error, self.form.refusals))
                break
        return {"counts": counts, "texts": texts}

    def load_many(self, root: str, way: str, stop: str) -> dict[str, Any]:
        """Loads until the file `stop` is there; counts what was found."""
        counts: Counter[str] = Counter()
        texts: dict[str, str] = {}
        while not os.path.exists(stop):
            found = self.load_one(root, way)
            if isinstance(found, str):
                counts[found] += 1
            elif not counts["whole"]:
                counts["nothing yet"] += 1
            else:
                _count(counts, texts, found)
            time.sleep(0.5 * random.random())  # or readers would have the processors to themselves
        return {"counts": counts, "texts": texts}

    def load_one(self, root: str, way: str) -> str | dict[str, Any]:
        """Whether what is loaded is some save, "whole", or "torn"; or the error."""
        try:
            arrays = self.form.ways[way].load(Path(root), _expected("small"))
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is the outcome
            return said(error, self.form.refusals)
        return "whole" if digest(arrays) == digest(PAYLOADS["small"](int(arrays["step"][0]))) else "torn"

    def fuzz_manifests(self, seed: int, first: int, count: int) -> dict[str, Any]:
        """Has Dovetail's parser read manifests that are nearly right."""
        from crash.fuzzing import fuzz_manifests

        return fuzz_manifests(seed, first, count)

    def fuzz_headers(self, seed: int, first: int, count: int) -> dict[str, Any]:
        """Has Dovetail's parser and the safetensors library read headers that are nearly right."""
        from crash.fuzzing import fuzz_headers

        return fuzz_headers(seed, first, count)

    def hostile(self, corpus: str, every: int) -> dict[str, Any]:
        """Has Dovetail read what was made to harm, in forked children."""
        from crash.hostile import try_hostile

        return try_hostile(corpus, every)

    def little_memory(self, seed: int, first: int, count: int) -> dict[str, Any]:
        """Has Dovetail save and restore in forked children that may take little memory."""
        from crash.little_memory import try_little_memory

        return try_little_memory(seed, first, count)

    def damage(
        self, root: str, way: str, payload: str, damages: list[list[Any]], progress: str, stale: str, places_only: bool
    ) -> dict[str, Any]:
        """Does each damage to the checkpoint in `root`, loads it, and makes it good again. `places_only`: what is
        loaded are the arrays that were damaged, if the format can."""
        form, expected = self.form.ways[way], _expected(payload)
        saved = form.load(Path(root), expected)
        digests: dict[tuple[str, ...], str] = {(): digest(saved)}

        def load(file: Path, places: Sequence[range]) -> Mapping[str, Any]:
            try:
                if not places_only or form.load_places is None:
                    return {"digest": digest(form.load(Path(root), expected)), "expected": digests[()]}
                found = form.load_places(Path(root), expected, file, places)
            except BaseException as error:  # noqa: BLE001 - whatever it is, it is the outcome; torch's is no Exception
                return {"error": said(error, self.form.refusals)}
            names = tuple(found)
            if names not in digests:
                digests[names] = digest({name: saved[name] for name in names})
            return {"digest": digest(found), "expected": digests[names]}

        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + _MEMORY_BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))
        return try_damage(Path(root), [Damage(*each) for each in damages], load, Path(progress), Path(stale))


def _count(counts: Counter[str], texts: dict[str, str], error: Mapping[str, Any]) -> None:
    outcome = "refused" if error["expected"] else f"raised {error['kind']}"
    counts[outcome] += 1
    texts.setdefault(outcome, f"{error['kind']}: {error['text'][-400:]}")


def serve(jobs: Jobs, requests: Any, answer: Callable[[Mapping[str, Any]], None]) -> None:
    for line in requests:
        request = json.loads(line)
        try:
            answer({"result": getattr(jobs, request["job"])(**request["arguments"])})
        except Exception as error:  # noqa: BLE001 - it is told to the parent, which raises it
            answer({"failed": f"{type(error).__name__}: {error}"})


def main(name: str) -> None:
    """Serves until its standard input ends. What libraries print goes to standard error."""
    warnings.simplefilter("ignore")  # libraries' own; what counts here is what they do
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)

        def answer(found: Mapping[str, Any]) -> None:
            answers.write(json.dumps(found) + "\n")
            answers.flush()

        try:
            form = load_format(name)
        except ImportError as error:
            answer({"missing": f"{type(error).__name__}: {error}"})
            return
        answer({"result": "ready"})
        with suppress(KeyboardInterrupt):
            serve(Jobs(form), sys.stdin, answer)


if __name__ == "__main__":
    main(sys.argv[1])
