"""Elementwise operations and reductions that are computed together: what a cluster is, and its terms for one vector.

A cluster is a set of *terms* over one index space of `rows` (any number of axes) and `columns` (one axis, the inner
one). It is what elementwise kernels run, and what matrix products run on their results as an epilogue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from dovetail_protocols.records import record

from ..codegen.builder import Builder, Value
from ..codegen.types import COMPUTED, vector
from ..elementwise import emit
from .kernel import View

FULL, ROW, COLUMN, ONE = "full", "row", "column", "one"
"""Where a term has values: at each element; one for each row; one for each column; one alone."""

LOAD, CONSTANT, INDEX, PRODUCT = "load", "constant", "index", "product"
"""Terms that are no operation: an element of a view; a number; the place along an axis of the index space (int64);
what the kernel that the cluster is an epilogue of has computed."""

SUM, PROD, MAX, MIN, ANY, ALL = "sum", "prod", "max", "min", "any", "all"
REDUCTIONS = frozenset({SUM, PROD, MAX, MIN, ANY, ALL})


@record
class Term:
    """One value of a cluster.

    `operation`: LOAD, CONSTANT, INDEX, PRODUCT, one of REDUCTIONS, or the name of an elementwise operation;
    `operands`: positions of earlier terms; `dtype`: of the result; `space`: FULL, ROW, COLUMN or ONE. A reduction of a
    FULL term to ROW is over columns, to COLUMN over all rows, to ONE over all elements; one of a ROW (COLUMN) term to
    ONE is over rows (columns), each taken once. Later terms may use what comes of it; in the epilogue of a product what
    comes of reductions to COLUMN or ONE may only be stored. An elementwise term has the space FULL, or the one that all
    its operands have; operands of the space ONE go with any.

    `view` of a LOAD: shape (*rows, columns), with stride 0 along axes over which it is broadcast; a term of space ROW
    has column stride 0, COLUMN row strides 0, ONE only strides 0.
    `attributes`: those of an operation; of a CONSTANT ("value", number); of an INDEX ("axis", one of (*rows, columns)).
    """

    operation: str
    operands: tuple[int, ...]
    dtype: str
    space: str = FULL
    view: View | None = None
    attributes: tuple[tuple[str, Any], ...] = ()

    def attribute(self, name: str) -> Any:
        return dict(self.attributes)[name]


@record
class Store:
    """A term whose values are kept. `view`: for FULL of shape (*rows, columns), for ROW of shape rows, for COLUMN
    (columns,), for ONE (). A view that a LOAD reads too may be stored only at the very element that was read."""

    term: int
    view: View


@record
class Cluster:
    """Terms over rows × columns, in an order in which each comes after its operands, and what is stored of them."""

    rows: tuple[int, ...]
    columns: int
    terms: tuple[Term, ...]
    stores: tuple[Store, ...]


def evaluate(
    b: Builder,
    cluster: Cluster,
    wanted: Iterable[int],
    known: dict[int, Value],
    load: Callable[[int, Term], Value],
    lanes: int,
) -> None:
    """Computes terms, and what they need, for one vector of elements, into `known`: values by position of term.

    Values have the COMPUTED type of their dtype, in `lanes` lanes. What `known` holds already is not computed again:
    put reductions, products and indices there before. `load` gives the value of a LOAD.
    """
    pending = list(wanted)
    while pending:
        place = pending[-1]
        term = cluster.terms[place]
        missing = [operand for operand in term.operands if operand not in known]
        if place in known:
            pending.pop()
        elif missing:
            pending += missing
        else:
            pending.pop()
            known[place] = _value(b, cluster, place, known, load, lanes)


def _value(
    b: Builder, cluster: Cluster, place: int, known: dict[int, Value], load: Callable[[int, Term], Value], lanes: int
) -> Value:
    term = cluster.terms[place]
    if term.operation == LOAD:
        return load(place, term)
    if term.operation == CONSTANT:
        return b.constant(vector(COMPUTED[term.dtype], lanes), term.attribute("value"))
    assert term.operation not in REDUCTIONS | {INDEX, PRODUCT}, term  # the kernel puts them into `known`
    operands = [known[operand] for operand in term.operands]
    dtypes = [cluster.terms[operand].dtype for operand in term.operands]
    return emit(b, term.operation, operands, dtypes, term.dtype, dict(term.attributes))
