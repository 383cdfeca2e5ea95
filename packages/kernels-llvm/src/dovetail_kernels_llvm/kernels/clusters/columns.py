"""Loops over the columns of a task: several vectors an iteration, then the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from dovetail_protocols.records import record

from ...codegen.builder import Builder, Value

Number: TypeAlias = Value | int


@record
class Stretch:
    """Some columns that one vector has: the first of them, how many lanes, which of them (None: all), the number of the
    vector within its iteration, and whether the mask is known to leave only the first lane."""

    column: Value
    lanes: int
    mask: Value | None
    number: int
    single: bool = False


Body: TypeAlias = Callable[[list[Stretch]], None]


def value_of(b: Builder, number: Number) -> Value:
    return b.index(number) if isinstance(number, int) else number


def over_columns(
    b: Builder, start: Number, stop: Number, body: Body, *, lanes: int, step: int, unroll: int, masked: bool
) -> None:
    """Writes loops over columns: `body` writes the work on the vectors of one iteration.

    `lanes` of a vector; `step`: columns of a vector (1 where its lanes are rows); `unroll`: vectors of an iteration;
    `masked`: whether the last lanes are masked, rather than done one by one.
    """
    wide = step * unroll
    if isinstance(start, int) and isinstance(stop, int):
        main: Number = start + (stop - start) // wide * wide
        rest: int | None = stop - start - (stop - start) // wide * wide
    else:
        begin = value_of(b, start)
        main = b.add(begin, b.operate("and", b.sub(value_of(b, stop), begin), b.index(-wide)))
        rest = None
    _repeated(b, start, main, wide, lambda column: body(_stretches(b, column, lanes, step, unroll)))
    if rest == 0 or wide == 1:
        return
    if step == 1 or (rest is not None and rest % step == 0):
        _repeated(b, main, stop, step, lambda column: body([Stretch(column, lanes, None, 0)]))
    elif masked:
        end = value_of(b, stop)

        def masked_body(column: Value) -> None:
            body([Stretch(column, lanes, b.tail_mask(b.sub(end, column), lanes), 0, rest == 1)])

        _repeated(b, main, stop, step, masked_body)
    else:
        _repeated(b, main, stop, 1, lambda column: body([Stretch(column, 1, None, 0)]))


def _stretches(b: Builder, column: Value, lanes: int, step: int, unroll: int) -> list[Stretch]:
    found = [Stretch(column, lanes, None, 0)]
    for number in range(1, unroll):
        found.append(Stretch(b.add(column, b.index(number * step)), lanes, None, number))
    return found


def _repeated(b: Builder, start: Number, stop: Number, step: int, body: Callable[[Value], None]) -> None:
    """A loop, without one where it is known to run once or never."""
    if isinstance(start, int) and isinstance(stop, int):
        if start >= stop:
            return
        if start + step >= stop:
            body(b.index(start))
            return
    with b.loop(start, stop, step) as column:
        body(column)


def held_columns(b: Builder, columns: int, *, lanes: int, step: int, masked: bool) -> list[Stretch]:
    """All columns of a short row, each in a vector of its own."""
    if step == 1:
        return [Stretch(b.index(column), lanes, None, column) for column in range(columns)]
    full = columns // lanes
    found = [Stretch(b.index(number * lanes), lanes, None, number) for number in range(full)]
    rest = columns - full * lanes
    if rest and masked:
        found.append(Stretch(b.index(full * lanes), lanes, b.tail_mask(b.index(rest), lanes), full, rest == 1))
    elif rest:
        found += [Stretch(b.index(full * lanes + one), 1, None, full + one) for one in range(rest)]
    return found
