"""Packages that bring an operation with one fault each, and honest ones."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np

from dovetail_protocols import derivatives
from dovetail_protocols import operations as ops
from dovetail_protocols.errors import ShapeError
from dovetail_protocols.kernels import CallMeta, KernelSpec
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.operation import Operation, composite, primitive
from dovetail_protocols.operations.annotations import Floating

from . import Mutant
from .kernels import Package


def meta_of_blend(x: TensorMeta, y: TensorMeta, *, rate: float) -> TensorMeta:
    if x.shape != y.shape:
        raise ShapeError("blend: x and y differ in shape", expected=f"{x.shape}, from x", got=f"{y.shape}, from y")
    return x


def blend(name: str, body: Callable[..., Any] | None = None, infer: Callable[..., Any] = meta_of_blend) -> Operation:
    """A new operation blends::NAME, (1 − rate) · x + rate · x · y, or with another body, or another rule."""

    def decomposition(x: Floating, y: Floating, /, *, rate: float = 0.25) -> Floating:
        return x * (1 - rate) + x * y * rate if body is None else body(x, y, rate)

    decomposition.__name__, decomposition.__doc__ = name, "(1 − rate) · x + rate · x · y."
    return composite(version=1, namespace="blends", infer=infer)(decomposition)


def blending(call: CallMeta) -> Any:
    rate = call.attributes["rate"]

    def kernel(x: Any, y: Any) -> Any:
        return (x * x.dtype.type(1 - rate) + x * y * x.dtype.type(rate)).astype(x.dtype)

    return kernel


def jittering(call: CallMeta) -> Any:
    """Ends in other bits at every second call."""
    kernel, calls = blending(call), count()
    return lambda x, y: np.nextafter(kernel(x, y), x.dtype.type(next(calls) % 2 * 1e30))


def gradient_rule(cotangent: Any, result: Any, x: Any, y: Any, *, rate: float) -> Any:
    return cotangent * (1 - rate + y * rate), cotangent * x * rate


def blended(x: Any, y: Any, *, rate: float = 0.25) -> Any:
    """The definition, in NumPy."""
    return x * (1 - rate) + x * y * rate


def offering(operation: Operation, implementation: str = "blending") -> Package:
    spec = KernelSpec(
        id=operation.short_name,
        operation=operation.name,
        implementation=f"{__name__}:{implementation}",
        dtypes={"T": frozenset({"float32", "float64"})},
    )
    return Package(spec, operations=(operation,))


# ---------------------------------------------------------------------- honest

plain = blend("honest_operation")
ruled = blend("honest_rules")
derivatives.gradient_of(ruled)(gradient_rule)


@derivatives.jvp_of(ruled)
def ruled_forward(tangents: Any, result: Any, x: Any, y: Any, *, rate: float) -> Any:
    moved = [
        None if tangents[0] is None else tangents[0] * (1 - rate + y * rate),
        None if tangents[1] is None else tangents[1] * x * rate,
    ]
    return moved[0] if moved[1] is None else moved[1] if moved[0] is None else moved[0] + moved[1]


@derivatives.batching_of(ruled)
def ruled_batch(size: int, is_batched: Any, x: Any, y: Any, *, rate: float) -> Any:
    whole = x if is_batched[0] else y
    return ruled(*(ops.broadcast_to(one, shape=whole.shape) for one in (x, y)), rate=rate)


# ---------------------------------------------------------------------- faulty

wrong_rule = blend("wrong_rule")


@derivatives.gradient_of(wrong_rule)
def wrong_rule_gradient(cotangent: Any, result: Any, x: Any, y: Any, *, rate: float) -> Any:
    return cotangent * (1 - rate + y * rate), cotangent * y * rate


wrong_second_order = blend("wrong_second_order")


@derivatives.gradient_of(wrong_second_order)
def wrong_second_order_gradient(cotangent: Any, result: Any, x: Any, y: Any, *, rate: float) -> Any:
    return cotangent * (1 - rate + y * rate), cotangent * ops.stop_gradient(x) * rate


wrong_tangent = blend("wrong_tangent")


@derivatives.jvp_of(wrong_tangent)
def wrong_tangent_forward(tangents: Any, result: Any, x: Any, y: Any, *, rate: float) -> Any:
    return ops.broadcast_to(sum(tangent for tangent in tangents if tangent is not None), shape=result.shape)


wrong_batch = blend("wrong_batch")


@derivatives.batching_of(wrong_batch)
def wrong_batch_rule(size: int, is_batched: Any, x: Any, y: Any, *, rate: float) -> Any:
    whole = x if is_batched[0] else y
    x, y = (ops.broadcast_to(one, shape=whole.shape) for one in (x, ops.flip(y, axis=0)))
    return wrong_batch(x, y, rate=rate)


constant_by_mistake = blend("constant_by_mistake")
derivatives.not_differentiable(constant_by_mistake, "it is a comparison")


@primitive(version=1, namespace="blends")
def without_gradient(x: Floating, y: Floating, /, *, rate: float = 0.25) -> Floating:
    """(1 − rate) · x + rate · x · y."""
    return meta_of_blend(x, y, rate=rate)  # type: ignore[no-any-return] # in a primitive's body operands are metas


def double_meta(x: TensorMeta, y: TensorMeta, *, rate: float) -> TensorMeta:
    from dovetail_protocols.dtypes import float64

    return TensorMeta(meta_of_blend(x, y, rate=rate).shape, float64, x.device)


def longer_meta(x: TensorMeta, y: TensorMeta, *, rate: float) -> TensorMeta:
    return TensorMeta((1, *meta_of_blend(x, y, rate=rate).shape), x.dtype, x.device)


def trusting_meta(x: TensorMeta, y: TensorMeta, *, rate: float) -> TensorMeta:
    return x


def careless_meta(x: TensorMeta, y: TensorMeta, *, rate: float) -> TensorMeta:
    if any(y.shape[place] != size for place, size in enumerate(x.shape)):
        raise ValueError("shapes differ")
    return meta_of_blend(x, y, rate=rate)


wrong_dtype = blend("wrong_dtype", infer=double_meta)
wrong_shape = blend("wrong_shape", infer=longer_meta)
trusting = blend("trusting", infer=trusting_meta)
careless = blend("careless", infer=careless_meta)
disagreeing = blend("disagreeing", body=lambda x, y, rate: x * (1 - rate) + x * y * rate * 1.01)
undocumented = blend("undocumented")
undocumented.__doc__ = "Blends."


# ---------------------------------------------------------------------- the table


def mutant(
    operation: Operation,
    what: str,
    *caught_by: str,
    tried: bool = True,
    package: Package | None = None,
    oracle: Any = None,
    **more: Any,
) -> Mutant:
    """The package that brings the operation alone, or another one, under the operation's name."""
    name = operation.short_name
    globals()[name.upper()] = package or offering(operation)

    def suite() -> type:
        from dovetail_conformance import array, case, operation_suite

        calls = [
            case(array(2, 3), array(2, 3), oracle=oracle),
            case(array(4), array(4), name="rate", oracle=oracle, rate=0.5),
            case(array(0, 2), array(0, 2), name="empty", smooth=False),
        ]
        return operation_suite(name, cases={operation.name: calls} if tried else {})

    return Mutant(
        name=name,
        what=what,
        caught_by=frozenset(caught_by),
        suite=suite,
        entry_points={"dovetail.kernels.v1": f"{__name__}:{name.upper()}"},
        **more,
    )


untried, withheld, unsteady = blend("untried"), blend("withheld"), blend("unsteady")
wrong_decomposition = blend("wrong_decomposition", body=lambda x, y, rate: x * (1 - rate) + x * y * rate * 1.01)

MUTANTS = (
    mutant(plain, "has a decomposition and a kernel, and no rules"),
    mutant(ruled, "has a rule for each transformation"),
    mutant(undocumented, "has no formula in its documentation", "l1_documentation", nothing_else=True),
    mutant(untried, "comes without a case", "l1_proved", tried=False, nothing_else=True),
    mutant(
        withheld,
        "brings no operation, and has cases for one",
        "l0_something_is_brought",
        "l0_cases_are_used",
        package=Package(),
    ),
    mutant(wrong_dtype, "its infer says float64 for float32", "l1_infer", "l1_infer_beside_the_decomposition"),
    mutant(wrong_shape, "its infer says one axis too many", "l1_infer", "l1_infer_beside_the_decomposition"),
    mutant(trusting, "its infer takes shapes that the decomposition doesn't", "l1_refusals", nothing_else=True),
    mutant(careless, "its infer raises an IndexError", "l1_refusals", nothing_else=True),
    mutant(disagreeing, "its decomposition is off its kernel by a hundredth", "l2_numbers"),
    mutant(
        wrong_decomposition,
        "its decomposition is off what its case says by a hundredth",
        "l2_numbers_of_the_decomposition",
        oracle=blended,
    ),
    mutant(
        unsteady,
        "gives other bits at the next call",
        "l3_graph_form",
        package=offering(unsteady, "jittering"),
        nothing_else=True,
    ),
    mutant(wrong_batch, "its batching rule mixes examples up", "l3_batches", nothing_else=True),
    mutant(wrong_rule, "its gradient rule takes y for x", "l4_gradients"),
    mutant(constant_by_mistake, "is declared not differentiable by mistake", "l4_gradients"),
    mutant(without_gradient, "is primitive and has no gradient rule", "l4_gradients"),
    mutant(wrong_second_order, "its gradient rule stops gradients", "l4_second_order", nothing_else=True),
    mutant(wrong_tangent, "its forward rule adds tangents up", "l4_forward_mode", nothing_else=True),
)
