"""The parent's end of a worker."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONWARNINGS": "ignore",
    "JAX_PLATFORMS": "cpu",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


class FormatMissing(Exception):
    """The format's library is not installed."""


class WorkerLost(Exception):
    """A worker died or hung. `signal` is what killed it, None where it hung."""

    def __init__(self, what: str, signal: int | None) -> None:
        super().__init__(what)
        self.signal = signal


class WorkerProcess:
    """A worker for one format.

    Raises: FormatMissing.
    """

    def __init__(self, name: str, environment: dict[str, str] | None = None) -> None:
        self.name = name
        self._environment = environment or {}
        self._start()

    def _start(self) -> None:
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {**os.environ, **ENVIRONMENT, "PYTHONPATH": os.pathsep.join(paths), **self._environment}
        command = [sys.executable, "-m", "crash.worker", self.name]
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self._process.stdin is not None, "it was asked for"
        assert self._process.stdout is not None, "it was asked for"
        self._requests, self._answers = self._process.stdin, self._process.stdout
        answer = self._answer(300.0)
        if "missing" in answer:
            self.close()
            raise FormatMissing(answer["missing"])

    def ask(self, job: str, *, within_seconds: float = 120.0, **arguments: Any) -> Any:
        """The result of a job.

        Raises: WorkerLost, after which the next job goes to a new process; RuntimeError where the job failed.
        """
        if self._process.poll() is not None:
            self.close()
            self._start()
        request = json.dumps({"job": job, "arguments": arguments}) + "\n"
        try:
            self._requests.write(request.encode())
            self._requests.flush()
        except BrokenPipeError:
            self._lose(f"the worker for {self.name} is gone")
        answer = self._answer(within_seconds)
        if "failed" in answer:
            raise RuntimeError(f"{self.name}, {job}: {answer['failed']}")
        return answer["result"]

    def _answer(self, within_seconds: float) -> dict[str, Any]:
        ready, _, _ = select.select([self._answers], [], [], within_seconds)
        line = self._answers.readline() if ready else b""
        if not line:
            self._lose(f"the worker for {self.name} {'died' if ready else 'gave no answer'}", hung=not ready)
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _lose(self, what: str, *, hung: bool = False) -> None:
        self._process.kill()
        status = self._process.wait()
        raise WorkerLost(what, None if hung else -status)

    def close(self) -> None:
        """Lets the process end."""
        with suppress(BrokenPipeError):
            self._requests.close()
        self._answers.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()
