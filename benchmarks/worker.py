"""A measuring process: one framework and one workload, obeying one-line JSON commands from its parent.

`python -m benchmarks.worker DRIVER WORKLOAD PRECISION`. It waits for its turns without using a processor. Whatever
frameworks print goes to standard error, so that standard output carries replies only.
"""

import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from benchmarks import agreement, memory, references, sampling
from benchmarks.drivers.catalogue import DRIVERS
from benchmarks.drivers.session import Mode, NotApplicable, Precision, Session
from benchmarks.import_clock import ImportClock
from benchmarks.workloads.registry import WORKLOADS
from benchmarks.workloads.workload import Arrays, Training, Update


class Worker:
    """The state between commands. Each public method is a command; its arguments and its reply are JSON objects."""

    def __init__(self, driver: str, workload: str, precision: Precision) -> None:
        self._driver = DRIVERS[driver]
        self._workload = WORKLOADS[workload]
        # The float64 run is a reference, never timed, so the plainest way will do.
        self._mode = Mode(self._driver.compiled and precision == "float32", precision)
        self._session: Session | None = None
        self._losses: list[float] = []
        self._steps_per_sample = 1
        self._memory = memory.StepMemory()

    def load(self) -> dict[str, Any]:
        """Import the framework, load weights and data."""
        package = importlib.import_module(self._driver.package)
        self._session = self._prepare()
        self._memory.loaded()
        return {"version": str(getattr(package, "__version__", "unknown"))}

    def start(self) -> dict[str, Any]:
        """Run the first step: the seconds it took, less those of importing modules, and these."""
        begin = time.perf_counter()
        with ImportClock() as imports:
            if isinstance(self._workload, Training):
                self._losses = self._running.curve(1)
            else:
                self._running.run(1)
        seconds = time.perf_counter() - begin
        return {"first_call_seconds": seconds - imports.seconds, "first_call_import_seconds": imports.seconds}

    def curve(self, steps: int) -> dict[str, Any]:
        """The losses of the first `steps` steps, the one of `start` included. Call once, before any turn."""
        return {"losses": [*self._losses, *self._running.curve(steps - len(self._losses))]}

    def calibrate(self, sample_seconds: float) -> dict[str, Any]:
        """Settle how many steps make a sample."""
        self._steps_per_sample = sampling.calibrate(self._running, sample_seconds)
        self._memory.settled()
        return {"steps_per_sample": self._steps_per_sample}

    def turn(self, seconds: float) -> dict[str, Any]:
        """Take samples for about `seconds`."""
        return {"samples": sampling.turn(self._running, self._steps_per_sample, seconds)}

    def memory(self) -> dict[str, Any]:
        """The most memory had so far: of the process, and of steps above the loaded model."""
        return self._memory.found()

    def save_evidence(self, path: str) -> dict[str, Any]:
        """Write what a fresh session shows, for other processes to compare with. No turns after this."""
        references.save(Path(path), self._fresh_evidence())
        return {}

    def check(self, path: str) -> dict[str, Any]:
        """Compare what a fresh session shows with a saved reference. No turns after this."""
        return {"error": agreement.evidence_error(self._fresh_evidence(), references.load(Path(path)))}

    @property
    def _running(self) -> Session:
        assert self._session is not None, "the first command is `load`"
        return self._session

    def _prepare(self) -> Session:
        implementation = importlib.import_module(self._driver.implementation)
        session: Session = implementation.prepare(self._workload, self._mode)
        return session

    def _fresh_evidence(self) -> Arrays:
        if not isinstance(self._workload, Training | Update):
            return self._running.evidence()  # nothing has changed since the start
        self._session = None  # before the next one, or both would be in memory
        return self._prepare().evidence()


def serve(worker: object, commands: TextIO, replies: TextIO) -> None:
    """Answer each line, which names a method of the worker and its arguments, until the commands end."""
    for line in commands:
        replies.write(json.dumps(_answer(worker, json.loads(line))) + "\n")
        replies.flush()


def _answer(worker: object, command: dict[str, Any]) -> dict[str, Any]:
    try:
        reply: dict[str, Any] = getattr(worker, command["name"])(**command["arguments"])
    except NotApplicable as reason:
        return {"not_applicable": str(reason)}
    except Exception as error:  # noqa: BLE001 - whatever a framework raises is reported beside the others' results
        traceback.print_exc()
        return {"failed": f"{type(error).__name__}: {error}"}
    return reply


def attend(make: Callable[[], object]) -> None:
    """Serve a worker on standard input and output."""
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    serve(make(), sys.stdin, replies)


def _from_arguments() -> Worker:
    driver, workload, precision = sys.argv[1:]
    return Worker(driver, workload, "float64" if precision == "float64" else "float32")


if __name__ == "__main__":
    attend(_from_arguments)
