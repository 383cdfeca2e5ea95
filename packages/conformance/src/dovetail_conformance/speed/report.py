"""Comparisons as plain data and as text."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from typing import Any

import numpy as np

from .comparison import Comparison
from .machine import HOW
from .units import seconds_text


def environment() -> dict[str, Any]:
    """Where and how was measured, JSON-able."""
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "DOVETAIL_NUM_THREADS")
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs, {platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "threads": {name: os.environ[name] for name in threads if name in os.environ},
        "limits": dict(HOW),
    }


def as_json(comparison: Comparison) -> dict[str, Any]:
    """A comparison as plain data: seconds by competitor with quartiles, the work, and the machine's least times."""
    call, work = comparison.call, comparison.work
    return {
        "shapes": [None if meta is None else list(meta.shape) for meta in call.meta.operands],
        "label": call.label,
        "bytes": work.size_bytes,
        "operations": work.operations,
        "machine_copy_seconds": comparison.machine.copying,
        "machine_arithmetic_seconds": comparison.machine.arithmetic,
        "seconds": {
            name: {"median": one.median, "lower_quartile": one.lower, "upper_quartile": one.upper, "rounds": one.rounds}
            for name, one in comparison.timings.items()
        },
        "refusals": dict(comparison.refusals),
        "faults": dict(comparison.faults),
    }


def line(measured: Mapping[str, Any]) -> str:
    """A comparison in one line, for terminals."""
    times = ", ".join(f"{name} {seconds_text(one['median'])}" for name, one in measured["seconds"].items())
    return f"{measured['label']}: {times}; a copy of its bytes {seconds_text(measured['machine_copy_seconds'])}"
