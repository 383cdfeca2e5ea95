"""One call of an operation as data: the operands' shapes and values without their dtype, and the attributes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

SEED = 20260117
"""The fixed seed: every value of the bank follows from it and from the operand's place, so each run tries the same."""

Buffer = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Operand:
    """How to make one operand in any dtype.

    `values`, where given, are its elements; otherwise they are drawn from `low` to `high`, no two of them equal as far
    as the dtype can tell them apart. Unsigned integers take absolute values, bool whether a value is above the middle,
    complex dtypes draw twice. `dtype` fixes the operand's dtype whatever the case is tried in.
    """

    shape: tuple[int, ...]
    low: float = -2.0
    high: float = 2.0
    values: Any = None
    dtype: str | None = None

    def make(self, dtype: np.dtype[Any], place: int) -> Buffer:
        """The operand, C-contiguous. `place` among the operands of the call, so that equal operands differ."""
        if self.values is not None:
            return _converted(np.array(self.values).reshape(self.shape), dtype)
        generator = np.random.default_rng([SEED, place, *self.shape])
        drawn = self._spread(generator)
        if dtype.kind == "b":
            drawn = drawn > (self.low + self.high) / 2
        elif dtype.kind == "u":
            drawn = np.abs(np.rint(drawn))
        elif dtype.kind == "i":
            drawn = np.rint(drawn)
        elif dtype.kind == "c":
            drawn = drawn + 1j * self._spread(generator)
        return np.asarray(drawn).astype(dtype)

    def _spread(self, generator: np.random.Generator) -> Buffer:
        count = int(np.prod(self.shape))
        places = (generator.permutation(count) + generator.uniform(0.2, 0.8, count)) / max(count, 1)
        return np.asarray(self.low + (self.high - self.low) * places).reshape(self.shape)


def _converted(values: Buffer, dtype: np.dtype[Any]) -> Buffer:
    """Values in a dtype; small integers for NaN and infinities where it has none, absolute values where unsigned."""
    if dtype.kind in "iu" and values.dtype.kind == "f":
        values = np.nan_to_num(values, nan=5, posinf=7, neginf=-3)
    if dtype.kind == "u" and values.dtype.kind in "if":
        values = np.abs(values)
    with np.errstate(all="ignore"):  # float8 dtypes have no room for large numbers, which is as it should be
        return values.astype(dtype)


@dataclass(frozen=True, slots=True)
class Case:
    """One call: operands (None for an optional one left out) and attributes.

    `name` says in reports what is special about it. `smooth`: the operation is differentiable at these values, so
    level 4 may compare gradients with finite differences. `exact`: the right result depends on the dtype itself
    (nextafter), so that the reference is computed in it and not in float64. `oracle` gives the right result for
    operations of which no reference kernel and no decomposition is there: it gets the operands, floating ones as
    float64, and the attributes. `kinds`: the kinds of dtypes (see dovetail_protocols.dtypes) in which it is tried; None
    means all. `since`: the bank's date when the case was added to it, "" for the first bank's.
    """

    name: str
    operands: tuple[Operand | None, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    smooth: bool = False
    exact: bool = False
    oracle: Callable[..., Any] | None = None
    kinds: frozenset[str] | None = None
    since: str = ""


def array(*shape: int, low: float = -2.0, high: float = 2.0) -> Operand:
    """An operand of that shape, in the dtype that the case is tried in, its values from `low` to `high`."""
    return Operand(shape, low, high)


def positive(*shape: int, low: float = 0.2, high: float = 0.9) -> Operand:
    """An operand whose values, as floating numbers, are away from 0 and from 1."""
    return Operand(shape, low, high)


def given(values: Any, dtype: str | None = None) -> Operand:
    """An operand of exactly these values: a number or nested lists of numbers."""
    return Operand(np.shape(values), values=values, dtype=dtype)


def case(
    *operands: Operand | None,
    name: str = "plain",
    smooth: bool = True,
    oracle: Callable[..., Any] | None = None,
    since: str = "",
    **attributes: Any,
) -> Case:
    """A case as one would write the call: operands, then attributes by name."""
    return Case(name, operands, attributes, smooth, oracle=oracle, since=since)
