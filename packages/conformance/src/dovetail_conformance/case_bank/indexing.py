"""Indexing and scattering: negative and repeated indices, index vectors, batches, empty indices."""

from __future__ import annotations

from ..cases import Case, array, case, given

PAIRS = given([[2, 0], [1, 1], [0, 2]])

CASES: dict[str, list[Case]] = {
    "where": [
        case(given([True, False, True]), array(2, 3), array(3)),
        case(given(True), array(2), array(2), name="0-d condition"),
        case(array(0, 3), array(3), array(0, 3), name="empty", smooth=False),
        case(array(67), array(67), array(67), name="long", smooth=False),
    ],
    "clip": [
        case(array(2, 5), given(-1), given(1)),
        case(array(2, 5), None, array(5, low=0.0), name="above only"),
        case(array(2, 5), given(0), None, name="below only"),
        case(array(67), name="neither", smooth=False),
        case(given([float("nan"), float("inf"), -3.0]), given(-1), given(1), name="special values", smooth=False),
    ],
    "take": [
        case(array(4, 3), given([2, 0, 2]), axis=0),
        case(array(4), given([[1], [3]]), name="index matrix"),
        case(array(2, 5), given([0, 4]), name="last axis", axis=-1),
        case(array(4, 3), given([[]]), name="no indices", axis=0, smooth=False),
    ],
    "take_along_axis": [
        case(array(2, 3), given([[2, 0], [1, 1]]), axis=1),
        case(array(3, 4), given([[0, 1, 2, 0]]), name="axis 0", axis=0),
    ],
    "put_along_axis": [
        case(array(2, 3), given([[2, 0], [1, 0]]), array(2, 2), axis=1),
        case(array(2, 3), given([[2, 2], [1, 0]]), array(2, 2), name="add", axis=1, mode="add"),
    ],
    "gather_nd": [
        case(array(4, 3), PAIRS),
        case(array(4, 3), given([[2], [2]]), name="rows"),
        case(array(2, 4, 3), given([[[1]], [[3]]]), name="batch", batch_dims=1),
    ],
    "scatter": [
        case(array(4, 3), given([[2], [0]]), array(2, 3), name=mode, mode=mode)
        for mode in ("update", "add", "subtract", "min", "max")
    ]
    + [case(array(4, 3), PAIRS, array(3), name="elements", mode="add")],
    "scatter_nd": [
        case(given([[2], [0]]), array(2, 3), shape=(4, 3)),
        case(given([[1], [1], [1]]), array(3), name="repeated", shape=(4,)),
    ],
    "dynamic_slice": [
        case(array(4, 3), given(1), given(0), sizes=(2, 2)),
        case(array(4, 3), given(3), given(2), name="clamped", sizes=(2, 2)),
    ],
    "dynamic_update_slice": [
        case(array(4, 3), array(2, 2), given(1), given(0)),
        case(array(4, 3), array(2, 2), given(3), given(2), name="clamped"),
    ],
    "one_hot": [
        case(given([2, 0, 1]), depth=3, smooth=False),
        case(given([[2], [0]]), name="first axis, integers", depth=4, axis=0, dtype="int32", smooth=False),
        case(given([7, 1]), name="out of range", depth=3, smooth=False),
    ],
    "boolean_mask": [case(array(3, 2), given([True, False, True])), case(array(2, 3), array(2, 3), name="elements")],
    "embedding": [case(array(4, 3), given([[2, 0], [2, 1]])), case(array(4, 3), given(1), name="0-d")],
    "embedding_gradient": [
        case(array(2, 3), given([2, 0]), size=4),
        case(array(3, 2), given([1, 1, 1]), name="repeated", size=3),
    ],
}
