"""`profile`: what native kernels ran when, on which thread, as a file to look at."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from dovetail_protocols.compilers import KernelRun, SupportsProfile
from dovetail_protocols.errors import PluginError

from .compilation.discovery import chosen_compilers


@contextmanager
def profile(path: str | os.PathLike[str]) -> Iterator[None]:
    """Records the kernels that compiled functions run until the context ends, and writes them to a file that
    chrome://tracing, Perfetto and speedscope show: one bar for each kernel, one row for each thread, with what was
    computed and moved, and how fast.

    What compilers leave to kernel packages doesn't show. The file is written even where the body raises.

    Raises: PluginError where no compiler is installed that records; what opening the file raises, before anything runs.
    """
    compilers, _ = chosen_compilers(None)
    recording = [one.compiler for one in compilers if isinstance(one.compiler, SupportsProfile)]
    if not recording:
        raise PluginError(
            "there is nothing to profile: no compiler that records its kernels is in use",
            expected="a package that offers dovetail.compilers.v1 with record_kernels",
            got=", ".join(one.name for one in compilers) or "no compiler",
            fix="pip install dovetail-kernels-llvm, or remove -llvm from DOVETAIL_KERNELS",
        )
    with Path(path).open("w", encoding="utf-8") as file:
        runs: list[list[KernelRun]] = []
        try:
            with ExitStack() as stack:
                runs += [stack.enter_context(compiler.record_kernels()) for compiler in recording]
                yield
        finally:
            json.dump(trace_events([run for one in runs for run in one]), file)


def trace_events(runs: list[KernelRun]) -> dict[str, Any]:
    """Runs in the Trace Event Format. Source: "Trace Event Format", Google, section "JSON Object Format"."""
    origin = min((run.start for run in runs), default=0)
    process = os.getpid()
    names = [
        {"ph": "M", "name": "thread_name", "pid": process, "tid": thread, "args": {"name": _thread_name(thread)}}
        for thread in sorted({run.thread for run in runs})
    ]
    bars = [
        {
            "ph": "X",
            "name": run.what,
            "pid": process,
            "tid": run.thread,
            "ts": (run.start - origin) / 1000,
            "dur": (run.end - run.start) / 1000,
            "args": _facts(run),
        }
        for run in runs
    ]
    return {"traceEvents": [*names, *bars], "displayTimeUnit": "ns"}


def _thread_name(thread: int) -> str:
    return f"worker {thread}" if thread else "caller"


def _facts(run: KernelRun) -> dict[str, Any]:
    nanoseconds = max(run.end - run.start, 1)
    return {
        "tasks": run.tasks,
        "flops": run.flops,
        "bytes": run.bytes,
        "GFLOP/s": round(run.flops / nanoseconds, 3),
        "GB/s": round(run.bytes / nanoseconds, 3),
    }
