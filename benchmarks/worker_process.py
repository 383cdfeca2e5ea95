"""The parent's end of a measuring process."""

import contextlib
import json
import selectors
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from benchmarks import environment
from benchmarks.drivers.session import Precision

START_SECONDS = 300.0
COMMAND_SECONDS = 180.0
_EXIT_SECONDS = 5.0
_ROOT = Path(__file__).resolve().parents[1]


class WorkerFailed(Exception):
    """The process gave no result; the message says why."""


class WorkerSkipped(Exception):
    """The framework has nothing to compare here; the message says why."""


@dataclass(frozen=True, slots=True)
class Task:
    """Which framework runs which workload, in which precision: what a measuring process is told on its command line."""

    driver: str
    workload: str
    precision: Precision = "float32"

    program: ClassVar[str] = "benchmarks.worker"
    system_allocator: ClassVar[bool] = False

    @property
    def arguments(self) -> list[str]:
        """In their order."""
        return [self.driver, self.workload, self.precision]


@dataclass(frozen=True, slots=True)
class CheckpointTask:
    """Which format does which action, in memory as the system gives it.

    A program loads a checkpoint once, into pages that are new to it: memory kept from a load before would hide them.
    """

    driver: str
    workload: str

    program: ClassVar[str] = "benchmarks.checkpoint_worker"
    system_allocator: ClassVar[bool] = True

    @property
    def arguments(self) -> list[str]:
        """In their order."""
        return [self.driver, self.workload]


class WorkerProcess:
    """A fresh process for one task; a context manager that ends it. Not for use from several threads."""

    def __init__(self, task: Task | CheckpointTask, scratch: Path) -> None:
        """Start the process; its log and its compilers' caches go under `scratch`."""
        scratch.mkdir(parents=True, exist_ok=True)
        self.task = task
        self._log = scratch / f"{' '.join(task.arguments)}.log"
        variables = environment.of_worker(scratch / "caches" / task.driver)
        if task.system_allocator:
            variables.pop(environment.ALLOCATOR_VARIABLE, None)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", task.program, *task.arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=_ROOT,
                env=variables,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def ask(self, name: str, *, timeout_seconds: float = COMMAND_SECONDS, **arguments: Any) -> dict[str, Any]:
        """The reply to a command (a public method of `worker.Worker`).

        Raises:
            WorkerFailed: The command raised, the process ended, or it took too long; in these cases it is ended.
            WorkerSkipped: The driver says that this workload is not for it.
        """
        self.begin(name, **arguments)
        return self.finish(name, timeout_seconds=timeout_seconds)

    def begin(self, name: str, **arguments: Any) -> None:
        """Send a command whose reply `finish` will give, so that other processes can work meanwhile.

        Raises:
            WorkerFailed: The process has ended.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"name": name, "arguments": arguments}).encode() + b"\n")
            self._process.stdin.flush()
        except (OSError, ValueError) as error:
            raise self._ended(name) from error

    def finish(self, name: str, *, timeout_seconds: float = COMMAND_SECONDS) -> dict[str, Any]:
        """The reply to the command of that name that was begun; raises as `ask` does."""
        try:
            reply: dict[str, Any] = json.loads(self._read_line(name, timeout_seconds))
        except (OSError, ValueError) as error:
            raise self._ended(name) from error
        if "failed" in reply:
            self.end()
            raise WorkerFailed(reply["failed"])
        if "not_applicable" in reply:
            self.end()
            raise WorkerSkipped(reply["not_applicable"])
        return reply

    def end(self) -> None:
        """End the process, gently at first. May be called again."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(OSError):  # it has ended already
            self._process.stdin.close()
        try:
            self._process.wait(_EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def kill(self) -> None:
        """End the process at once: it has nothing left to write. May be called again."""
        self._process.kill()
        self.end()

    def _read_line(self, command: str, timeout_seconds: float) -> bytes:
        """A whole reply. Replies come at once or not at all, so waiting for the first byte is enough."""
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(timeout_seconds):
                self._process.kill()
                raise WorkerFailed(f"no reply to {command} within {timeout_seconds:.0f} s")
        return self._process.stdout.readline()

    def _ended(self, command: str) -> WorkerFailed:
        self.end()
        return WorkerFailed(f"ended during {command} with status {self._process.returncode}: {self._tail()}")

    def _tail(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "no message"
