"""Times, sizes and rates as readers take them in."""

from __future__ import annotations


def seconds_text(seconds: float) -> str:
    """Three digits and a unit: "1.23 µs"."""
    for unit, factor in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= factor:
            return f"{_digits(seconds / factor)} {unit}"
    return f"{_digits(seconds / 1e-9)} ns"


def bytes_text(size: float) -> str:
    """Up to three digits and a binary unit: "64 KiB"."""
    for unit, factor in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= factor:
            return f"{_digits(size / factor)} {unit}"
    return f"{_digits(size)} B"


def rate_text(rate: float, unit: str) -> str:
    """A rate with a decimal prefix: "12.3 GB/s"."""
    for prefix, factor in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if rate >= factor:
            return f"{_digits(rate / factor)} {prefix}{unit}"
    return f"{_digits(rate)} {unit}"


def _digits(number: float) -> str:
    return f"{number:.0f}" if number >= 100 or number == round(number) else f"{number:.3g}"
