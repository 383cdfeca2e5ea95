"""Creation, conversion of dtypes, and random numbers, which are specified to the bit."""

from __future__ import annotations

from typing import Any

from dovetail_protocols import dtypes as dt

from ..cases import Case, Operand, array, case, given

STATE = given([1, 2, 3], "uint64")
STATES = given([[1, 2, 3], [2**63, 5, 2**64 - 1]], "uint64")
REAL = tuple(known for known in dt.ALL if known.kind in (dt.SIGNED, dt.UNSIGNED, dt.FLOATING))
INEXACT = tuple(known for known in dt.ALL if known.is_differentiable)


def _plain(*operands: Operand, name: str = "plain", **attributes: Any) -> Case:
    return case(*operands, name=name, smooth=False, **attributes)


CASES: dict[str, list[Case]] = {
    "full": [
        *(_plain(name=str(known), shape=(2, 3), fill_value=1, dtype=known) for known in dt.ALL),
        _plain(name="0-d", shape=(), fill_value=1.5),
        _plain(name="empty", shape=(0, 3), fill_value=True),
    ],
    "arange": [
        *(_plain(name=str(known), start=1, stop=9, step=3, dtype=known) for known in REAL),
        _plain(name="down", start=4, stop=-1, step=-2),
        _plain(name="empty", start=0),
    ],
    "linspace": [
        *(_plain(name=str(known), start=0.0, stop=1.0, num=5, dtype=known) for known in INEXACT),
        _plain(name="open", start=1.0, stop=-1.0, num=4, endpoint=False),
        _plain(name="empty", start=0.0, stop=1.0, num=0),
    ],
    "eye": [
        *(_plain(name=str(known), n_rows=2, n_cols=3, k=1, dtype=known) for known in dt.ALL),
        _plain(name="square", n_rows=3),
    ],
    "cast": [
        *(_plain(array(2, 3), name=f"to {known}", dtype=known) for known in dt.ALL),
        _plain(array(0, 3), name="empty", dtype=dt.float32),
        _plain(array(), name="0-d", dtype=dt.int64),
    ],
    "random_bits": [
        _plain(STATE, name="uint32", shape=(2, 5)),
        _plain(STATE, name="uint64", shape=(3,), dtype=dt.uint64),
        _plain(STATE, name="empty", shape=(0,)),
    ],
    "random_advance": [_plain(STATE, blocks=3), _plain(STATES, name="batch, far", blocks=2**33)],
    "print": [_plain(array(2), name="one", end=""), _plain(array(2), array(), name="format", format="{} {}", end="")],
}
