"""Graphs for the tests of graphs: a small tensor package that only holds bytes, and a Hypothesis strategy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hypothesis import strategies as st

from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols import use_provider
from dovetail_protocols.errors import DovetailError
from dovetail_protocols.graph import Constant, Graph, Node, State, Value
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.operation import Operation


class Bytes:
    """An array that is known by its bytes only."""

    def __init__(self, data: bytes, meta: TensorMeta) -> None:
        self.data, self.meta = data, meta


class BytesProvider:
    """A tensor package that can do nothing but write and read bytes."""

    def to_bytes(self, array: Bytes) -> bytes:
        return array.data

    def from_bytes(self, data: bytes, meta: TensorMeta) -> Bytes:
        return Bytes(data, meta)


@contextmanager
def bytes_only() -> Iterator[None]:
    before = use_provider(BytesProvider())  # type: ignore[arg-type] # a provider in so far as these tests need one
    try:
        yield
    finally:
        use_provider(before)


class Builder:
    """Builds a graph node by node, with metas from `infer`."""

    def __init__(self, *metas: TensorMeta, first: int = 0) -> None:
        self.count = first
        self.nodes: list[Node] = []
        self.constants: list[Constant] = []
        self.inputs = tuple(self.value(meta) for meta in metas)

    def value(self, meta: TensorMeta, name: str = "") -> Value:
        self.count += 1
        return Value(self.count - 1, meta, name)

    def constant(self, data: bytes, meta: TensorMeta) -> Value:
        value = self.value(meta)
        self.constants.append(Constant(value, Bytes(data, meta)))  # type: ignore[arg-type] # as above
        return value

    def apply(self, operation: Operation, *inputs: Value | None, **attributes: Any) -> tuple[Value, ...]:
        """Raises: what `infer` raises."""
        bound = {**operation._defaults, **attributes}
        metas = operation.infer([None if value is None else value.meta for value in inputs], bound)
        outputs = tuple(self.value(meta) for meta in (metas if isinstance(metas, tuple) else (metas,)))
        self.nodes.append(Node(operation, inputs, outputs, bound, "model.py:12"))
        return outputs

    def graph(self, outputs: Sequence[Value], states: Sequence[State] = ()) -> Graph:
        return Graph("model", self.inputs, tuple(self.nodes), tuple(outputs), tuple(self.constants), tuple(states))


DTYPES = st.sampled_from([dt.float32, dt.bfloat16, dt.int8, dt.bool_, dt.complex128])
SHAPES = st.lists(st.integers(0, 3), max_size=3).map(tuple)
METAS = st.builds(TensorMeta, SHAPES, DTYPES)
UNARY = st.sampled_from(
    [
        (ops.negative, {}),
        (ops.sum, {"axis": (0,), "keepdims": True}),
        (ops.cast, {"dtype": dt.float32}),
        (ops.reshape, {"shape": (-1,)}),
        (ops.expand_dims, {"axis": 0}),
        (ops.clip, {}),
        (ops.leaky_relu, {"negative_slope": float("inf")}),
        (ops.random_bits, {"shape": (2,)}),
        (ops.print, {"format": '»{}« "\\n'}),
    ]
)
BINARY = st.sampled_from([(ops.add, {}), (ops.matmul, {}), (ops.less, {}), (ops.concat, {"axis": None})])


@st.composite
def graphs(draw: Any, depth: int = 1) -> Graph:
    """Well-formed graphs of up to eight nodes, nested twice at most, with constants and states."""
    builder = Builder(*draw(st.lists(METAS, min_size=1, max_size=3)), first=draw(st.integers(0, 5)))
    values = list(builder.inputs)
    for meta in draw(st.lists(METAS, max_size=2)):
        values.append(builder.constant(draw(st.binary(min_size=meta.size_bytes, max_size=meta.size_bytes)), meta))
    for _ in range(draw(st.integers(0, 8))):
        arity, (operation, attributes) = draw(st.one_of(st.tuples(st.just(1), UNARY), st.tuples(st.just(2), BINARY)))
        operands = [draw(st.sampled_from(values)) for _ in range(arity)]
        if operation is ops.clip:
            operands += [None, operands[0]]
        try:
            values += builder.apply(operation, *operands, **attributes)
        except DovetailError:
            continue
    if depth and draw(st.booleans()):
        body = draw(graphs(depth=depth - 1))
        predicate = builder.constant(b"\1", TensorMeta((), dt.bool_))
        given = [builder.constant(bytes(value.meta.size_bytes), value.meta) for value in body.inputs]
        body = body.replace(states=())
        values += builder.apply(ops.cond, predicate, *given, true_branch=body, false_branch=body)
    outputs = draw(st.lists(st.sampled_from(values), max_size=3))
    states = [
        State(f"v{place}", place, None if value not in outputs else outputs.index(value))
        for place, value in enumerate(builder.inputs)
    ]
    return builder.graph(outputs, states if draw(st.booleans()) else ())
