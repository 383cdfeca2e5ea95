"""Operations that move elements: the result must hold the very same numbers, in every dtype."""

from __future__ import annotations

from ..cases import Case, array, case, given

CASES: dict[str, list[Case]] = {
    "reshape": [
        case(array(2, 3), shape=(3, -1)),
        case(array(2, 3), name="to one axis", shape=(6,)),
        case(array(0, 3), name="empty", shape=(3, 0), smooth=False),
        case(array(), name="0-d", shape=(1, 1)),
    ],
    "flatten": [case(array(2, 3, 2), start_axis=1), case(array(2, 3), name="all")],
    "broadcast_to": [case(array(3, 1), shape=(2, 3, 4)), case(array(), name="0-d", shape=(2,))],
    "broadcast_arrays": [case(array(3, 1), array(2)), case(array(), array(2, 3), name="0-d")],
    "expand_dims": [case(array(2, 3), axis=(0, -1)), case(array(3), name="one")],
    "squeeze": [case(array(2, 1, 3), axis=1), case(array(1, 3, 1), name="two", axis=(0, 2))],
    "permute_dims": [
        case(array(2, 3, 4), axes=(2, 0, 1)),
        case(array(2, 3), name="all reversed"),
        case(array(0, 3), name="empty", smooth=False),
    ],
    "matrix_transpose": [case(array(2, 3, 4)), case(array(5, 7), name="one matrix")],
    "moveaxis": [case(array(2, 3, 4), source=0, destination=-1)],
    "swapaxes": [case(array(2, 3, 4), axis1=0, axis2=2)],
    "flip": [case(array(2, 3)), case(array(2, 67), name="long", axis=1, smooth=False)],
    "roll": [
        case(array(2, 3), shift=1, axis=1),
        case(array(2, 3), name="all", shift=2),
        case(array(5), name="far back", shift=-7, axis=0),
    ],
    "concat": [
        case(array(2, 3), array(1, 3)),
        case(array(2), array(3), array(1), name="three"),
        case(array(2), array(3, 2), name="flattened", axis=None),
        case(array(0, 3), array(2, 3), name="with empty", smooth=False),
    ],
    "stack": [case(array(2, 3), array(2, 3), axis=1), case(array(3), name="alone")],
    "split": [case(array(4, 3), sections=2), case(array(5, 3), name="at places", sections=(1, 3))],
    "unstack": [case(array(2, 3), axis=1), case(array(4), name="of numbers")],
    "tile": [case(array(2, 3), repetitions=(2, 1)), case(array(3), name="more axes", repetitions=(2, 2))],
    "repeat": [case(array(2, 3), repeats=2, axis=1), case(array(3), name="flattened", repeats=3)],
    "repeat_indices": [case(given([2, 0, 1]))],
    "pad_constant": [
        case(array(2, 3), padding=((0, 1), (1, 0)), value=2),
        case(array(5), name="zeros", padding=((2, 3),)),
    ],
    "tril": [case(array(3, 3), k=-1), case(array(2, 3, 5), name="batch", k=1)],
    "triu": [case(array(3, 3)), case(array(2, 3, 5), name="batch", k=-1)],
    "diagonal": [case(array(3, 4), offset=1), case(array(2, 4, 3), name="batch", offset=-1)],
    "slice": [
        case(array(4, 3), starts=(1, None), stops=(None, None), strides=(2, -1)),
        case(array(67), name="long", starts=(-60,), stops=(66,), strides=(5,), smooth=False),
    ],
    "scatter_slice": [
        case(array(2, 3), shape=(4, 3), starts=(1,), stops=(3,)),
        case(array(2), name="strides", shape=(5,), starts=(1,), stops=(5,), strides=(2,)),
    ],
}
