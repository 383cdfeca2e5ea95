"""Products with few results and a long sum: the sum in slices, which are then added in their order."""

from __future__ import annotations

from math import prod

from dovetail_protocols.records import replace

from ..cluster import FULL, LOAD, PRODUCT, Cluster, Store, Term
from ..kernel import View
from .description import Matmul
from .packing import Allocate

LONG = 8192
"""The least length of a sum that is cut into slices."""

SLICES = 16
FEW_RESULTS = 1 << 12


def suits_splitting(d: Matmul) -> bool:
    """Whether a sum should be cut: where there is too little else to share among threads."""
    return d.k >= LONG and prod(d.batch) * d.m * d.n <= FEW_RESULTS


def split(d: Matmul, allocate: Allocate) -> tuple[Matmul, Matmul]:
    """A product of slices, into a temporary, and the product that adds the slices to what remains of the sum and then
    has the epilogue."""
    length = d.k // SLICES
    dtype = d.epilogue.terms[d.product].dtype
    wide = "float32" if dtype in ("bfloat16", "float16") else dtype
    partial = allocate(wide, (*d.batch, SLICES, d.m, d.n))
    (*batch_a, m_a, k_a), (*batch_b, k_b, n_b) = d.a.strides, d.b.strides
    shape = (*d.batch, SLICES)
    slices = Matmul(
        replace(d.a, shape=(*shape, d.m, length), strides=(*batch_a, length * k_a, m_a, k_a)),
        replace(d.b, shape=(*shape, length, d.n), strides=(*batch_b, length * k_b, k_b, n_b)),
        Cluster((*shape, d.m), d.n, (Term(PRODUCT, (), wide),), (Store(0, partial),)),
    )
    done = SLICES * length
    rest = Matmul(
        replace(d.a, shape=(*d.batch, d.m, d.k - done), offset=d.a.offset + done * k_a),
        replace(d.b, shape=(*d.batch, d.k - done, d.n), offset=d.b.offset + done * k_b),
        _with_partial_sums(d, partial),
    )
    return slices, rest


def _with_partial_sums(d: Matmul, partial: View) -> Cluster:
    """The epilogue with the slices' sums added to the product."""
    product = d.epilogue.terms[d.product]
    shape = (*d.batch, d.m, d.n)
    strides = (*partial.strides[: len(d.batch)], *partial.strides[-2:])
    terms = [Term(PRODUCT, (), partial.dtype)]
    for place in range(SLICES):
        view = replace(partial, shape=shape, strides=strides, offset=partial.offset + place * d.m * d.n)
        terms.append(Term(LOAD, (), partial.dtype, FULL, view))
        terms.append(Term("add", (len(terms) - 2 if place else 0, len(terms) - 1), partial.dtype))
    total = len(terms) - 1
    moved = {}
    for place, term in enumerate(d.epilogue.terms):
        if term is product:
            moved[place] = total
        else:
            moved[place] = len(terms)
            terms.append(replace(term, operands=tuple(moved[operand] for operand in term.operands)))
    stores = tuple(replace(store, term=moved[store.term]) for store in d.epilogue.stores)
    return replace(d.epilogue, terms=tuple(terms), stores=stores)
