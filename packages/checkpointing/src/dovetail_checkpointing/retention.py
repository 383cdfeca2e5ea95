"""Which checkpoints of a training are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import Literal, Protocol

from dovetail_protocols.errors import AttributeValueError

from .choices import require_choice

Mode = Literal["min", "max"]


@dataclass(frozen=True, slots=True)
class Saved:
    """A checkpoint that could be kept."""

    step: int
    metrics: Mapping[str, float]


class Retention(Protocol):
    """A rule that keeps some checkpoints. What no rule of a Manager keeps is removed; the newest always stays."""

    def kept(self, saved: Sequence[Saved]) -> set[int]:
        """The steps to keep, of those there are, ascending."""


@dataclass(frozen=True, slots=True)
class _Last:
    count: int

    def kept(self, saved: Sequence[Saved]) -> set[int]:
        return {one.step for one in saved[-self.count :]}


@dataclass(frozen=True, slots=True)
class _Every:
    steps: int

    def kept(self, saved: Sequence[Saved]) -> set[int]:
        return {one.step for one in saved if one.step % self.steps == 0}


@dataclass(frozen=True, slots=True)
class _Best:
    metric: str
    count: int
    mode: Mode

    def kept(self, saved: Sequence[Saved]) -> set[int]:
        sign = 1 if self.mode == "min" else -1
        measured = [one for one in saved if not isnan(one.metrics.get(self.metric, nan))]
        return {one.step for one in sorted(measured, key=lambda one: sign * one.metrics[self.metric])[: self.count]}


def last(count: int) -> Retention:
    """Keeps the newest checkpoints.

    Raises: AttributeValueError for a count below 1, as the others do.
    """
    return _Last(_positive(count, "last"))


def every(steps: int) -> Retention:
    """Keeps each checkpoint whose step is a multiple of `steps`."""
    return _Every(_positive(steps, "every"))


def best(metric: str, count: int = 1, *, mode: Mode = "min") -> Retention:
    """Keeps the checkpoints with the lowest (or highest) values of a metric, of equal ones the older. Those saved
    without it, or with NaN, don't count."""
    require_choice("mode", mode, Mode)
    return _Best(metric, _positive(count, "best"), mode)


def _positive(count: int, where: str) -> int:
    if count < 1:
        raise AttributeValueError("a Manager keeps at least one checkpoint", where=where, expected="≥ 1", got=count)
    return count
