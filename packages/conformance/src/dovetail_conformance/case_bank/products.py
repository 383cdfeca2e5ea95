"""Products of matrices and sums of products: vectors, batches that broadcast, no terms, and enough of them."""

from __future__ import annotations

from ..cases import Case, array, case

CASES: dict[str, list[Case]] = {
    "matmul": [
        case(array(2, 3), array(3, 4)),
        case(array(3), array(3, 2), name="vector, matrix"),
        case(array(2, 3), array(3), name="matrix, vector"),
        case(array(3), array(3), name="vectors"),
        case(array(4, 2, 3), array(3, 2), name="batch"),
        case(array(2, 1, 2, 3), array(3, 3, 2), name="batches broadcast"),
        case(array(2, 0), array(0, 3), name="no terms", smooth=False),
        case(array(0, 2), array(2, 3), name="no rows", smooth=False),
        case(array(17, 33, low=-1, high=1), array(33, 19, low=-1, high=1), name="odd sizes", smooth=False),
    ],
    "tensordot": [
        case(array(2, 3, 4), array(3, 4, 2)),
        case(array(2, 3), array(4, 3), name="axes", axes=((1,), (1,))),
        case(array(2), array(3), name="outer", axes=0),
    ],
    "vecdot": [
        case(array(2, 3), array(3)),
        case(array(3, 2), array(3, 2), name="axis -2", axis=-2),
        case(array(4, 67, low=-1, high=1), array(67, low=-1, high=1), name="long", smooth=False),
    ],
    "outer": [case(array(2), array(3)), case(array(0), array(3), name="empty", smooth=False)],
    "einsum": [
        case(array(2, 3), array(3, 4), subscripts="ij,jk->ik"),
        case(array(3, 3), name="diagonal", subscripts="ii->i"),
        case(array(2, 3, 4), array(2, 4, 5), name="batch", subscripts="bij,bjk->bik"),
        case(array(2, 3), array(3), array(2), name="three", subscripts="ij,j,i->"),
    ],
}
