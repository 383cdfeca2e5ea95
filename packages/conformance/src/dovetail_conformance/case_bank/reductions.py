"""Reductions, cumulative operations, sorting and searching: by axes, with empty and 0-d operands, NaN and ties."""

from __future__ import annotations

from typing import Any

from ..cases import Case, array, case, given, positive

NAN, INF = float("nan"), float("inf")


def _reduction(*, empty: bool = True, special: bool = True) -> list[Case]:
    calls = [
        case(positive(2, 3)),
        case(positive(2, 3), name="last axis, kept", axis=-1, keepdims=True),
        case(positive(2, 3, 4), name="two axes", axis=(0, 2)),
        case(positive(3, 67), name="long", axis=1, smooth=False),
        case(positive(), name="0-d", smooth=False),
        case(array(3, 4), name="signed", axis=0, smooth=False),
    ]
    if empty:
        calls.append(case(array(0, 3), name="empty", axis=0, smooth=False))
    if special:
        calls.append(case(given([[1.0, NAN], [INF, 2.0]]), name="special values", axis=1, smooth=False))
    return calls


def _search(**more: Any) -> list[Case]:
    return [
        case(array(2, 5), smooth=False),
        case(array(2, 5), name="axis 0", axis=0, smooth=False),
        case(array(3, 67), name="long", axis=1, smooth=False),
        case(given([3, 1, 3, 1, 1]), name="ties", axis=0, smooth=False, **more),
    ]


def _sort() -> list[Case]:
    return [
        case(array(2, 5)),
        case(array(2, 5), name="axis 0, descending", axis=0, descending=True),
        case(array(3, 67), name="long", smooth=False),
        case(array(0, 3), name="empty", smooth=False),
        case(given([3, 1, 3, 2, 1]), name="ties", smooth=False),
        case(given([3, 1, 3, 2, 1]), name="ties, descending", descending=True, smooth=False),
    ]


def _cumulative() -> list[Case]:
    return [
        case(positive(2, 3), axis=1),
        case(positive(2, 3), name="axis 0", axis=0),
        case(positive(4), name="initial", include_initial=True),
        case(positive(67), name="long", smooth=False),
        case(array(0), name="empty", smooth=False),
    ]


CASES: dict[str, list[Case]] = {
    **{name: _reduction() for name in ("sum", "prod", "all", "any", "count_nonzero")},
    **{name: _reduction(empty=False) for name in ("max", "min", "mean")},
    **{name: _reduction(empty=False, special=False) for name in ("var", "std", "logsumexp")},
    "argmax": _search(),
    "argmin": _search(),
    "sort": _sort(),
    "argsort": _sort(),
    "cumulative_sum": _cumulative(),
    "cumulative_prod": _cumulative(),
    "diff": [
        case(array(2, 4)),
        case(array(2, 4), array(2, 1), array(2, 1), name="with ends, twice", n=2),
        case(array(5, 2), name="axis 0", axis=0),
    ],
    **{
        name: [
            case(array(2, 3)),
            case(array(2, 3), name="axis 0", axis=0),
            case(array(2, 67), name="long", smooth=False),
            case(given([[100.0, -100.0, 0.0]]), name="large", smooth=False),
            case(given([[-INF, 0.0, 1.0]]), name="minus infinity", smooth=False),
            case(array(0, 3), name="empty", smooth=False),
        ]
        for name in ("softmax", "log_softmax")
    },
    "searchsorted": [
        case(given([1, 2, 2, 5]), given([0, 2, 3, 6])),
        case(given([1, 2, 2, 5]), given([0, 2, 3, 6]), name="right", side="right"),
        case(given([5, 1, 2]), given([1, 4]), given([1, 2, 0]), name="sorter"),
    ],
    "nonzero": [case(given([[0, 1], [2, 0]])), case(given([0, 0]), name="none")],
    **{
        f"unique_{what}": [case(given([3, 1, 3, 0])), case(given([[2, 1], [2, 2]]), name="two axes")]
        for what in ("all", "counts", "inverse", "values")
    },
}
