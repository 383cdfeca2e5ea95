"""Profiles and reports of kernels, by a compiler that makes up what it tells."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import dovetail_tensors as dt
from dovetail_functions import function, profile
from dovetail_functions.compilation.discovery import FoundCompiler
from dovetail_protocols.compilers import Claim, KernelReport, KernelRun
from dovetail_protocols.errors import PluginError

RUNS = [KernelRun("spin", 0, 1000, 3000, 2, 4000.0, 100.0), KernelRun("add", 1, 2000, 2500, 1, 50.0, 600.0)]


class RecordingCompiler:
    """Runs nothing, and records two kernels."""

    protocol = (1, 1)

    def claim(self, graph: Any) -> list[Claim]:
        return []

    def compile(self, graph: Any, options: Any) -> Any:
        raise AssertionError("it claims nothing")

    def probe(self) -> None:
        return None

    @contextmanager
    def record_kernels(self) -> Iterator[list[KernelRun]]:
        runs: list[KernelRun] = []
        try:
            yield runs
        finally:
            runs += RUNS


@pytest.fixture
def recording(installed: Any) -> None:
    installed.found.append(FoundCompiler("recording", RecordingCompiler(), None))


@pytest.mark.usefixtures("recording")
def test_a_profile_is_a_file_of_trace_events(tmp_path: Path) -> None:
    with profile(tmp_path / "trace.json"):
        pass
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    bars = [event for event in events if event["ph"] == "X"]
    assert [(bar["name"], bar["ts"], bar["dur"]) for bar in bars] == [("spin", 0.0, 2.0), ("add", 1.0, 0.5)]
    assert bars[0]["args"] == {"tasks": 2, "flops": 4000.0, "bytes": 100.0, "GFLOP/s": 2.0, "GB/s": 0.05}
    assert {event["tid"]: event["args"]["name"] for event in events if event["ph"] == "M"} == {
        0: "caller",
        1: "worker 1",
    }


@pytest.mark.usefixtures("recording")
def test_a_profile_is_written_where_the_body_raises(tmp_path: Path) -> None:
    with pytest.raises(KeyError), profile(tmp_path / "trace.json"):
        raise KeyError
    assert json.loads((tmp_path / "trace.json").read_text())["traceEvents"]


def test_a_profile_without_a_compiler_that_records_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="pip install dovetail-kernels-llvm"), profile(tmp_path / "trace.json"):
        raise AssertionError("nothing runs")
    assert not (tmp_path / "trace.json").exists()


@pytest.mark.usefixtures("recording")
def test_a_file_that_can_not_be_written_raises_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), profile(tmp_path / "no folder" / "trace.json"):
        raise AssertionError("nothing runs")


def test_explain_shows_the_kernels_that_a_compiler_reports(
    installed: Callable[..., Any], claiming: Callable[..., Any]
) -> None:
    made = installed(claiming("add", "multiply"))
    compiled = made.compile

    class Reporting:
        def __init__(self, run: Any) -> None:
            self.run = run

        def __call__(self, *buffers: Any) -> Any:
            return self.run(*buffers)

        def kernel_report(self) -> list[KernelReport]:
            return [KernelReport("multiply, add", 4, 3, 2e6, 1e6, 5e-5)]

    made.compile = lambda graph, options: Reporting(compiled(graph, options))
    doubled = function(lambda x: x * 2.0 + 1.0)
    explained = doubled.explain(dt.constant([1.0, 2.0]))
    assert explained.kernels == (("acme", (KernelReport("multiply, add", 4, 3, 2e6, 1e6, 5e-5),)),)
    text = str(explained)
    assert "kernels of compiler acme:" in text
    assert "multiply, add ×3, 4 tasks" in text
    assert "150.0 µs" in text
