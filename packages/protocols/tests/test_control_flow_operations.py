"""What cond, while_loop and scan accept, and the metas they give; the graphs are built by hand."""

from __future__ import annotations

from typing import Any

import pytest

from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols.errors import DTypeError, ShapeError, SignatureError
from dovetail_protocols.graph import Graph, Node, Value
from dovetail_protocols.metas import TensorMeta

PRED = TensorMeta((), dt.bool_)
SCALAR = TensorMeta((), dt.float32)
VECTOR = TensorMeta((3,), dt.float32)
COUNT = TensorMeta((), dt.int32)


def passing(*metas: TensorMeta, outputs: tuple[int, ...]) -> Graph:
    """A graph that gives some of its inputs."""
    values = tuple(Value(number, meta) for number, meta in enumerate(metas))
    return Graph("body", values, (), tuple(values[place] for place in outputs))


def comparing(meta: TensorMeta) -> Graph:
    """A graph that compares its input with itself."""
    value, verdict = Value(0, meta), Value(1, TensorMeta(meta.shape, dt.bool_))
    return Graph("condition", (value,), (Node(ops.less, (value, value), (verdict,), {}),), (verdict,))


def cond(*metas: TensorMeta, true_branch: Graph, false_branch: Graph) -> Any:
    return ops.cond.infer(metas, {"true_branch": true_branch, "false_branch": false_branch})


def test_cond_gives_the_metas_of_its_branches() -> None:
    first = passing(VECTOR, VECTOR, SCALAR, outputs=(0, 2))
    second = passing(VECTOR, VECTOR, SCALAR, outputs=(1, 2))
    assert cond(PRED, VECTOR, VECTOR, SCALAR, true_branch=first, false_branch=second) == (VECTOR, SCALAR)


def test_cond_names_the_output_that_differs_and_both_metas() -> None:
    first, second = passing(VECTOR, SCALAR, outputs=(0, 0)), passing(VECTOR, SCALAR, outputs=(0, 1))
    with pytest.raises(ShapeError, match=r"output 1(.|\n)*float32\[3\], true_branch(.|\n)*float32\[\], false_branch"):
        cond(PRED, VECTOR, SCALAR, true_branch=first, false_branch=second)
    first, second = passing(COUNT, SCALAR, outputs=(0,)), passing(COUNT, SCALAR, outputs=(1,))
    with pytest.raises(DTypeError, match="dtype of output 0"):
        cond(PRED, COUNT, SCALAR, true_branch=first, false_branch=second)
    with pytest.raises(SignatureError, match="number of outputs"):
        cond(PRED, COUNT, SCALAR, true_branch=first, false_branch=passing(COUNT, SCALAR, outputs=()))


def test_cond_wants_one_bool_and_operands_that_fit_the_branches() -> None:
    branch = passing(VECTOR, outputs=(0,))
    with pytest.raises(DTypeError, match="float32"):
        cond(SCALAR, VECTOR, true_branch=branch, false_branch=branch)
    with pytest.raises(ShapeError, match="not one value"):
        cond(TensorMeta((1,), dt.bool_), VECTOR, true_branch=branch, false_branch=branch)
    with pytest.raises(ShapeError, match="as true_branch takes it"):
        cond(PRED, SCALAR, true_branch=branch, false_branch=branch)


def loop(*metas: TensorMeta, condition: Graph, body: Graph, carry_count: int = 1) -> Any:
    attributes = {"condition": condition, "body": body, "carry_count": carry_count, "maximum_iterations": None}
    return ops.while_loop.infer(metas, attributes)


def test_while_loop_gives_the_metas_that_it_carries() -> None:
    assert loop(COUNT, condition=comparing(COUNT), body=passing(COUNT, outputs=(0,))) == (COUNT,)


def test_while_loop_refuses_a_body_that_changes_a_meta_and_a_condition_that_is_no_bool() -> None:
    with pytest.raises(ShapeError, match="predicate"):
        loop(VECTOR, condition=comparing(VECTOR), body=passing(VECTOR, outputs=(0,)))
    with pytest.raises(DTypeError, match="predicate"):
        loop(COUNT, condition=passing(COUNT, outputs=(0,)), body=passing(COUNT, outputs=(0,)))
    with pytest.raises(SignatureError, match="several"):
        loop(COUNT, condition=passing(COUNT, outputs=(0, 0)), body=passing(COUNT, outputs=(0,)))
    changing = passing(COUNT, outputs=(0,)).replace(outputs=(Value(0, SCALAR),))
    with pytest.raises(DTypeError, match=r"carried array 0(.|\n)*int32\[\], before(.|\n)*float32\[\], after the body"):
        loop(COUNT, condition=comparing(COUNT), body=changing)


def scan(*metas: TensorMeta, body: Graph, carries: int, sequences: int, length: int | None = None) -> Any:
    attributes = {"carry_count": carries, "sequence_count": sequences, "length": length, "reverse": False}
    return ops.scan.infer(metas, {"body": body, **attributes})


def test_scan_stacks_outputs_along_a_new_axis() -> None:
    body = passing(SCALAR, VECTOR, COUNT, outputs=(0, 1, 2))
    metas = (SCALAR, TensorMeta((7, 3), dt.float32), COUNT)
    expected = (SCALAR, TensorMeta((7, 3), dt.float32), TensorMeta((7,), dt.int32))
    assert scan(*metas, body=body, carries=1, sequences=1) == expected


def test_scan_takes_a_length_where_there_is_no_sequence() -> None:
    body = passing(SCALAR, outputs=(0, 0))
    assert scan(SCALAR, body=body, carries=1, sequences=0, length=4) == (SCALAR, TensorMeta((4,), dt.float32))
    with pytest.raises(SignatureError, match="no length"):
        scan(SCALAR, body=body, carries=1, sequences=0)


def test_scan_refuses_sequences_of_different_lengths() -> None:
    body = passing(SCALAR, SCALAR, outputs=())
    first, second = TensorMeta((7,), dt.float32), TensorMeta((8,), dt.float32)
    with pytest.raises(ShapeError, match=r"sequence 1, axis 0(.|\n)*7, the length of sequence 0(.|\n)*8"):
        scan(first, second, body=body, carries=0, sequences=2)
    with pytest.raises(ShapeError, match=r"sequence is 0-d(.|\n)*sequence 1"):
        scan(first, SCALAR, body=body, carries=0, sequences=2)
