"""What the compiler claims, and what becomes of a graph that it compiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
import pytest

from dovetail_kernels_xla.compiler import COMPILER
from dovetail_kernels_xla.device import DEVICE
from dovetail_protocols import CompileOptions, TensorMeta, dtypes
from dovetail_protocols import operations as ops
from dovetail_protocols.compilers import SupportsKernelReport
from dovetail_protocols.graph import Constant, Graph, State
from dovetail_protocols.metas import CPU, Device
from dovetail_protocols.records import replace
from dovetail_protocols.tracing import trace
from dovetail_tensors import constant

XLA = Device("xla")


def meta(*shape: int, dtype: Any = dtypes.float32, device: Device = XLA) -> TensorMeta:
    return TensorMeta(shape, dtype, device)


def graph_of(function: Any, *metas: TensorMeta) -> Graph:
    """The graph of a function, what it captures as constants."""
    traced = trace(function, metas)
    arguments, captured = traced.graph.inputs[: len(metas)], traced.graph.inputs[len(metas) :]
    constants = tuple(Constant(value, array) for value, array in zip(captured, traced.captures, strict=True))
    return replace(traced.graph, inputs=arguments, constants=constants)


def on_device(*arrays: Any) -> list[Any]:
    return [DEVICE.from_host(np.asarray(array), 0) for array in arrays]


def results(graph: Graph, *arrays: Any, donated: Sequence[int] = ()) -> list[Any]:
    (claim,) = COMPILER.claim(graph)
    assert claim.nodes == frozenset(range(len(graph.nodes))), claim
    executable = COMPILER.compile(graph, CompileOptions(donated_inputs=frozenset(donated)))
    return [DEVICE.to_host(result) for result in executable(*on_device(*arrays))]


def test_a_graph_is_one_program() -> None:
    x, w = np.ones((2, 3), np.float32), np.full((3, 4), 0.5, np.float32)
    graph = graph_of(lambda x, w: [ops.tanh(ops.matmul(x, w)) + 1.0], meta(2, 3), meta(3, 4))
    (y,) = results(graph, x, w)
    np.testing.assert_allclose(y, np.tanh(x @ w) + 1, rtol=1e-6)


def test_what_is_elsewhere_is_left_with_a_reason() -> None:
    graph = graph_of(lambda x: [x * x], meta(3, device=CPU))
    assert COMPILER.claim(graph) == ()
    mixed = graph_of(lambda x, y: [x * x, y * y], meta(3), meta(3, device=CPU))
    (claim,) = COMPILER.claim(mixed)
    assert (claim.nodes, claim.refused) == (frozenset({0}), ((1, "it is on cpu"),))


def test_claims_around_a_print_are_convex() -> None:
    def prints(x: Any) -> list[Any]:
        y = x * x
        ops.print(y)
        return [y + x]

    graph = graph_of(prints, meta(3))
    (claim,) = COMPILER.claim(graph)
    assert [graph.nodes[place].operation.short_name for place in sorted(claim.nodes)] == ["multiply", "add"]
    assert claim.refused == ((1, "print does something besides giving results"),)


def test_a_loop_with_a_print_inside_is_left() -> None:
    def body(x: Any) -> list[Any]:
        ops.print(x)
        return [x + 1.0]

    inner, holds = graph_of(body, meta()), graph_of(lambda x: [x < 3.0], meta())
    loop = graph_of(lambda x: ops.while_loop(x, condition=holds, body=inner, carry_count=1), meta())
    (claim,) = COMPILER.claim(loop)
    assert claim.nodes == frozenset()
    assert "print in" in claim.refused[0][1]


def test_claims_before_and_after_loops_that_print_are_parts_of_their_own() -> None:
    """Also where only the order of what is printed comes in between."""

    def printing(x: Any) -> list[Any]:
        ops.print(x)
        return [x + 1.0]

    once = {"condition": graph_of(lambda x: [x < 3.0], meta()), "body": graph_of(printing, meta()), "carry_count": 1}

    def run(x: Any) -> list[Any]:
        (first,) = ops.while_loop(x * x, **once)
        second = first - 1.0
        ops.print(second)
        (third,) = ops.while_loop(x, **once)  # runs after `second` was printed
        return [second, third - 1.0]

    claims = COMPILER.claim(graph_of(run, meta()))
    assert sorted(sorted(claim.nodes) for claim in claims) == [[0], [2], [5]]


def test_a_donated_input_is_written_into() -> None:
    graph = replace(graph_of(lambda v, g: [v - g], meta(1000), meta(1000)), states=(State("v", 0, 0),))
    executable = COMPILER.compile(graph, CompileOptions(donated_inputs=frozenset({0})))
    v, g = on_device(np.full(1000, 3.0, np.float32), np.ones(1000, np.float32))
    for expected in (2.0, 1.0):
        before = v
        (v,) = executable(v, g)
        assert float(v[0]) == expected
        assert before.is_deleted()
    assert not g.is_deleted()


def test_an_array_of_the_host_stays_as_it_is_when_what_was_made_of_it_is_donated() -> None:
    host = np.full(100_000, 3.0, np.float32)
    graph = replace(graph_of(lambda v: [v * 2.0], meta(100_000)), states=(State("v", 0, 0),))
    executable = COMPILER.compile(graph, CompileOptions(donated_inputs=frozenset({0})))
    (doubled,) = executable(DEVICE.from_host(host, 0))
    assert float(doubled[0]) == 6.0
    assert host.min() == host.max() == 3.0


def test_each_donated_input_gets_the_output_of_its_own_state() -> None:
    """Whatever the order of outputs: else XLA would copy what is still needed."""

    def step(first: Any, second: Any, x: Any) -> list[Any]:
        return [ops.sum(x), second - x, first - x]

    graph = graph_of(step, *[meta(1000)] * 3)
    graph = replace(graph, states=(State("first", 0, 2), State("second", 1, 1)))
    executable = COMPILER.compile(graph, CompileOptions(donated_inputs=frozenset({0, 1})))
    # Copied, because an array of the host may share its memory, which XLA then leaves alone.
    first, second, x = map(DEVICE.copy, on_device(*(np.full(1000, number, np.float32) for number in (5, 7, 1))))
    places = [array.unsafe_buffer_pointer() for array in (second, first)]
    total, *after = executable(first, second, x)
    assert (float(total), float(after[0][0]), float(after[1][0])) == (1000.0, 6.0, 4.0)
    assert [array.unsafe_buffer_pointer() for array in after] == places


def test_large_constants_are_passed_and_small_ones_written_into_the_program() -> None:
    large, small = constant(np.arange(1000, dtype=np.float32), device=XLA), constant(2.0, device=XLA)
    graph = graph_of(lambda x: [x * large + small], meta(1000))
    (y,) = results(graph, np.ones(1000, np.float32))
    np.testing.assert_array_equal(y, np.arange(1000) + 2.0)


@pytest.mark.parametrize("kind", ["float64", "int64", "complex128"])
def test_64_bits_need_no_configuration_at_the_call(kind: str) -> None:
    graph = graph_of(lambda x: [x + x], meta(2, dtype=dtypes.dtype(kind)))
    (y,) = results(graph, np.array([2**30 + 1, 2]).astype(kind))
    assert (y.dtype, y.tolist()) == (np.dtype(kind), [2**31 + 2, 4])
    assert not jax.config.jax_enable_x64


def test_no_64_bit_numbers_come_into_a_float32_step() -> None:
    def step(x: Any, w: Any, labels: Any) -> list[Any]:
        logits = ops.layer_normalization(ops.gelu(ops.matmul(x, w)), None, None)
        return [ops.mean(ops.sparse_softmax_cross_entropy(labels, logits))]

    graph = graph_of(step, meta(8, 16), meta(16, 4), meta(8, dtype=dtypes.int32))
    executable: Any = COMPILER.compile(graph, CompileOptions())
    text = executable._program.as_text()
    assert "f64" not in text
    if jax.__version_info__ >= (0, 10, 2):  # in older ones take_along_axis counts rows in 64 bits
        assert "s64" not in text


def test_float32_products_are_asked_for_in_float32() -> None:
    graph = graph_of(lambda x, y: [ops.matmul(x, y)], meta(2, 3), meta(3, 4))
    from dovetail_kernels_xla.lowering import run_graph

    text = jax.jit(lambda x, y: run_graph(graph, (x, y))).lower(
        *on_device(np.ones((2, 3), "f4"), np.ones((3, 4), "f4"))
    )
    assert "HIGHEST" in text.as_text()


def test_a_report_counts_the_whole_program() -> None:
    executable = COMPILER.compile(graph_of(lambda x, y: [ops.matmul(x, y)], meta(8, 8), meta(8, 8)), CompileOptions())
    assert isinstance(executable, SupportsKernelReport)
    (report,) = executable.kernel_report()
    assert (report.what, report.flops) == ("matmul", 2 * 8**3)


# ---------------------------------------------------------------------- choices and loops


def test_a_choice_takes_one_branch() -> None:
    branches = {
        "true_branch": graph_of(lambda x, y: [x * y], meta(2), meta(2)),
        "false_branch": graph_of(lambda x, y: [x - y], meta(2), meta(2)),
    }
    graph = graph_of(lambda p, x, y: ops.cond(p, x, y, **branches), meta(dtype=dtypes.bool_), meta(2), meta(2))
    x, y = np.array([3, 4], np.float32), np.array([2, 2], np.float32)
    assert results(graph, np.array(True), x, y)[0].tolist() == [6.0, 8.0]
    assert results(graph, np.array(False), x, y)[0].tolist() == [1.0, 2.0]


@pytest.mark.parametrize(("limit", "expected"), [(None, 128.0), (3, 16.0), (0, 2.0)])
def test_a_loop_ends_by_its_condition_or_its_limit(limit: int | None, expected: float) -> None:
    loop = {
        "condition": graph_of(lambda x, c: [x < c], meta(), meta()),
        "body": graph_of(lambda x, c: [x * 2.0], meta(), meta()),
        "carry_count": 1,
        "maximum_iterations": limit,
    }
    graph = graph_of(lambda x, c: ops.while_loop(x, c, **loop), meta(), meta())
    assert float(results(graph, np.float32(2), np.float32(100))[0]) == expected


@pytest.mark.parametrize("reverse", [False, True])
def test_a_scan_carries_and_stacks_in_either_direction(reverse: bool) -> None:
    body = graph_of(lambda carry, x, w: [carry * w + x, carry], meta(), meta(), meta())
    scan = {"body": body, "carry_count": 1, "sequence_count": 1, "reverse": reverse}
    graph = graph_of(lambda c, xs, w: ops.scan(c, xs, w, **scan), meta(), meta(4), meta())
    last, carried = results(graph, np.float32(1), np.arange(4, dtype=np.float32), np.float32(10))
    digits = [0, 1, 2, 3]
    expected, seen = 1.0, [0.0] * 4
    for place in reversed(digits) if reverse else digits:
        seen[place] = expected
        expected = expected * 10 + digits[place]
    assert (float(last), carried.tolist()) == (expected, seen)


def test_a_scan_of_no_steps_gives_empty_rows() -> None:
    scan = {"body": graph_of(lambda c: [c + 1.0, c], meta()), "carry_count": 1, "sequence_count": 0, "length": 0}
    last, rows = results(graph_of(lambda c: ops.scan(c, **scan), meta()), np.float32(5))
    assert (float(last), rows.shape) == (5.0, (0,))


def test_a_rematerialised_call_gives_its_body_s_results() -> None:
    body = graph_of(lambda x: [ops.exp(x)], meta(3))
    (y,) = results(graph_of(lambda x: ops.rematerialised_call(x, body=body), meta(3)), np.zeros(3, np.float32))
    assert y.tolist() == [1.0, 1.0, 1.0]
