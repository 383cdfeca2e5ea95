"""What a matrix product is: two operands, and what becomes of the product."""

from __future__ import annotations

from dovetail_protocols.records import record

from ...codegen.types import COMPUTED, FLOATING, STORED
from ..cluster import LOAD, PRODUCT, REDUCTIONS, Cluster
from ..kernel import View


@record
class Matmul:
    """A matrix product and its epilogue.

    `a`: (*batch, M, K); `b`: (*batch, K, N), both with any strides, 0 along batch axes over which they are broadcast.
    `epilogue`: a cluster of rows (*batch, M) and columns N with a term PRODUCT and without reductions; the views of
    its loads and stores have the shape (*batch, M, N), and no store is of a buffer that `a` or `b` reads. A sum
    C + A·B is an epilogue that loads and stores C.
    """

    a: View
    b: View
    epilogue: Cluster

    @property
    def batch(self) -> tuple[int, ...]:
        return self.a.shape[:-2]

    @property
    def m(self) -> int:
        return self.a.shape[-2]

    @property
    def k(self) -> int:
        return self.a.shape[-1]

    @property
    def n(self) -> int:
        return self.b.shape[-1]

    @property
    def product(self) -> int:
        """The position of the term that is the product."""
        return next(place for place, term in enumerate(self.epilogue.terms) if term.operation == PRODUCT)

    @property
    def element(self) -> str:
        """The type in which the product is computed: of small whole numbers, whose sums wrap around, a larger one."""
        element = COMPUTED[self.epilogue.terms[self.product].dtype]
        return "i32" if element in ("i8", "i16") else element

    @property
    def views(self) -> tuple[View, ...]:
        """What the epilogue reads and writes: each view once, in the order of the terms and then of the stores."""
        loads = [term.view for term in self.epilogue.terms if term.operation == LOAD and term.view is not None]
        return tuple(dict.fromkeys([*loads, *(store.view for store in self.epilogue.stores)]))

    @property
    def is_plain(self) -> bool:
        """Whether the product itself is stored, as it is computed, and nothing else."""
        (store, *more) = self.epilogue.stores
        term = self.epilogue.terms[store.term]
        kept = STORED[term.dtype] == self.element
        return not more and term.operation == PRODUCT and kept and store.view.strides[-1] == 1


def check(description: Matmul) -> None:
    """Our own invariants of a description: what the planner promises."""
    a, b, epilogue = description.a, description.b, description.epilogue
    shape = (*description.batch, description.m, description.n)
    assert b.shape[:-1] == (*description.batch, description.k), (a, b)
    assert (*epilogue.rows, epilogue.columns) == shape, (epilogue.rows, epilogue.columns, shape)
    assert not any(term.operation in REDUCTIONS for term in epilogue.terms), epilogue
    assert all(view.shape == shape for view in description.views), description
    assert "bool" not in (a.dtype, b.dtype), description
    dtype = epilogue.terms[description.product].dtype
    assert all((one.dtype in FLOATING) == (dtype in FLOATING) for one in (a, b)), (a.dtype, b.dtype, dtype)
