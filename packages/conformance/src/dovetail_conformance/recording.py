"""A pytest plug-in that writes what becomes of each test to a file: `pytest -p dovetail_conformance.recording`.

A line of JSON for each event, as it happens, so that even a native crash leaves the name of the test that caused it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from .limits import ADVISORY, LIMITED

VARIABLE = "DOVETAIL_CONFORMANCE_RECORD"
"""The environment variable that names the file. Without it nothing is written."""
LONGEST_REASON = 4000

_reports: list[Any] = []


def write(**event: Any) -> None:
    """Adds an event to the record."""
    name = os.environ.get(VARIABLE)
    if name:
        with Path(name).open("a", encoding="utf-8") as file:
            file.write(json.dumps(event) + "\n")


def pytest_collectreport(report: Any) -> None:
    if report.failed:
        write(event="broken", reason=report.longreprtext[-LONGEST_REASON:])


def pytest_runtest_logstart(nodeid: str) -> None:
    _reports.clear()
    write(event="started", test=nodeid.partition("::")[2])


def pytest_runtest_logreport(report: Any) -> None:
    _reports.append(report)


def pytest_runtest_logfinish(nodeid: str) -> None:
    outcome, reason = outcome_of(_reports)
    seconds = round(sum(report.duration for report in _reports), 4)
    speed = next((value for report in _reports for name, value in report.user_properties if name == "speed"), None)
    test = nodeid.partition("::")[2]
    write(event="ended", test=test, outcome=outcome, reason=reason, seconds=seconds, speed=speed)


def pytest_sessionfinish(exitstatus: int) -> None:
    write(event="finished", status=int(exitstatus))


def _failure(report: Any) -> str:
    """What a test failed of: the beginning of what it told, or of a traceback the end, where the exception stands."""
    text: str = report.longreprtext
    return text[:LONGEST_REASON] if isinstance(report.longrepr, str) else text[-LONGEST_REASON:]


def outcome_of(reports: list[Any]) -> tuple[str, str]:
    """What became of a test, and why, from the reports of its set-up, call and tear-down."""
    for report in reports:
        if report.failed:
            return "failed", _failure(report)
    for report in reports:
        if report.skipped:
            expected = str(getattr(report, "wasxfail", ""))
            for prefix, outcome in ((LIMITED, "limited"), (ADVISORY, "advisory")):
                if prefix in expected:
                    return outcome, expected.partition(prefix)[2]
            return "skipped", expected or str(report.longrepr[2]).removeprefix("Skipped: ")
    return "passed", ""
