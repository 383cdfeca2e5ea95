"""L0: in a fresh process the package's module can be imported, prints nothing, and says quickly what it offers."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

LIMIT_SECONDS = 0.5
"""How long `probe()` and `kernels()` together may take: they are asked at the first need of any kernel. Reading a list
takes microseconds; half a second leaves room for a busy machine, not for compiling or loading a model."""
TIMEOUT_SECONDS = 120

PROGRAM = """
import sys, time, warnings
from dovetail_protocols.plugins import find
group, name, report = sys.argv[1:]
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what is wrong with other packages
    plugin = next(found for found in find(group) if found.name == name)
offered = plugin.load()
start = time.perf_counter()
unusable = offered.probe()
count = len(list(offered.kernels())) if hasattr(offered, "kernels") else -1
seconds = time.perf_counter() - start
with open(report, "w", encoding="utf-8") as file:
    print(seconds, count, "" if unusable is None else unusable.reason, sep="\\n", file=file)
"""


def process_problems(program: str, *arguments: str) -> list[str]:
    """What is wrong with how something loads by a program in a fresh process: it fails, takes too long, or prints."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-c", program, *arguments]
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return [f"loading took more than {TIMEOUT_SECONDS} s in a fresh process"]
    if done.returncode:
        how = f"died with signal {-done.returncode}" if done.returncode < 0 else "failed"
        return [f"loading {how} in a fresh process:\n{done.stderr[-2000:]}"]
    return [f"loading prints: {(done.stdout + done.stderr)[:500]!r}"] if done.stdout or done.stderr else []


def problems(name: str, group: str = "dovetail.kernels.v1") -> list[str]:
    """What is wrong with how a kernel package, or the plug-in of another group that has a probe, loads."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report"
        found = process_problems(PROGRAM, group, name, str(report))
        if not report.exists():
            return found
        seconds, count, unusable = report.read_text(encoding="utf-8").split("\n")[:3]
    if float(seconds) > LIMIT_SECONDS:
        found.append(f"to say what it offers took {float(seconds):.2f} s; at most {LIMIT_SECONDS} s is expected")
    if int(count) == 0:
        found.append("it declares no kernels")
    if unusable:
        found.append(f"it can't be used on this machine, so nothing is proved: {unusable}")
    return found
