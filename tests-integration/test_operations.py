"""Every operation of the standard, by its cases: inference, kernel, decomposition, derivatives and batching agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dovetail_autodiff import GradientTape, check_gradients, vmap
from dovetail_protocols import selection
from dovetail_protocols.derivatives import NOT_DIFFERENTIABLE
from dovetail_protocols.errors import TraceError
from dovetail_protocols.metas import UNKNOWN_SIZE
from dovetail_protocols.operation import Operation
from dovetail_protocols.registry import all_operations
from dovetail_tensors import constant
from tools import operation_cases

STANDARD = [
    operation
    for operation in all_operations()
    if operation.name.startswith("dovetail::") and not any(o.type_variable == "V" for o in operation.operands)
]
CALLS = [
    pytest.param(operation, *case, id=f"{operation.short_name}-{number}")
    for operation in STANDARD
    for number, case in enumerate(operation_cases.cases_of(operation))
]
every_call = pytest.mark.parametrize(("operation", "operands", "attributes"), CALLS)


def several(result: Any) -> tuple[Any, ...]:
    return result if isinstance(result, tuple) else (result,)


def bound(operation: Operation, operands: Any, attributes: Any) -> tuple[Any, Any]:
    """Operands and attributes as kernels and rules get them."""
    return operation.bind(operands, attributes)


def assert_close(got: Any, expected: Any) -> None:
    """Equal results; floating ones to a few units in the last place, times what sums of a dozen terms lose."""
    assert len(several(got)) == len(several(expected))
    for one, other in zip(several(got), several(expected), strict=True):
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
        tolerance = {"float64": 1e-11, "complex128": 1e-11, "float32": 1e-5, "complex64": 1e-5}.get(one.dtype.name, 0)
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=tolerance, atol=tolerance)


@every_call
def test_infer_says_what_the_kernel_gives(operation: Operation, operands: Any, attributes: Any) -> None:
    inputs, complete = bound(operation, operands, attributes)
    metas = several(operation.infer_with_values([None if o is None else o.meta for o in inputs], complete))
    results = several(operation(*operands, **attributes))
    if operation.data_dependent and len(metas) != len(results):
        metas = metas * len(results)
    for meta, result in zip(metas, results, strict=True):
        assert (result.dtype, result.device) == (meta.dtype, meta.device)
        assert len(result.shape) == len(meta.shape)
        assert all(size in (found, UNKNOWN_SIZE) for found, size in zip(result.shape, meta.shape, strict=True))


@every_call
def test_a_primitive_has_a_kernel(operation: Operation, operands: Any, attributes: Any) -> None:
    inputs, complete = bound(operation, operands, attributes)
    if not operation.is_primitive:
        pytest.skip("composite: it has a decomposition")
    chosen = selection.select(operation, tuple(None if o is None else o.meta for o in inputs), complete)
    assert chosen.kernel is not None


@every_call
def test_the_decomposition_gives_what_the_kernel_gives(operation: Operation, operands: Any, attributes: Any) -> None:
    if operation.is_primitive:
        pytest.skip("primitive: it has no decomposition")
    inputs, complete = bound(operation, operands, attributes)
    assert_close(operation.decompose(*inputs, **complete), operation(*operands, **attributes))


@every_call
def test_first_and_second_derivatives_are_those_of_finite_differences(
    operation: Operation, operands: Any, attributes: Any
) -> None:
    sources = [operand for operand in operands if operand.dtype.is_differentiable]
    results = several(operation(*operands, **attributes))
    if not sources or not any(result.dtype.is_differentiable for result in results):
        pytest.skip("nothing to differentiate: no floating operand, or no floating result")
    if operation in NOT_DIFFERENTIABLE:
        with GradientTape() as tape:
            tape.watch(sources)
            results = several(operation(*operands, **attributes))
        assert tape.gradient([r for r in results if r.dtype.is_differentiable], sources) == [None] * len(sources)
    elif operation.short_name == "custom_call":
        pytest.skip("its gradient is what the caller says: packages/autodiff/tests/test_custom.py")
    else:
        check_gradients(lambda *arrays: operation(*arrays, **attributes), *operands, order=2)


@every_call
def test_a_batch_gives_what_its_examples_give(operation: Operation, operands: Any, attributes: Any) -> None:
    if not operands:
        pytest.skip("no operands: nothing to batch")
    places = range(len(operands))
    alone = [] if len(places) == 1 or operation.data_dependent else [[place] for place in places]
    for batched in [places, *alone]:
        examples = [[example(o, k) if p in batched else o for p, o in enumerate(operands)] for k in range(3)]
        inputs = [
            constant(np.stack([e[p].numpy() for e in examples])) if p in batched else o for p, o in enumerate(operands)
        ]
        axes = tuple(0 if place in batched else None for place in places)
        mapped = vmap(lambda *arrays: operation(*arrays, **attributes), in_axes=axes)
        if operation.data_dependent:
            with pytest.raises(TraceError):
                mapped(*inputs)
            continue
        each = [several(operation(*example, **attributes)) for example in examples]
        expected = tuple(constant(np.stack([r.numpy() for r in column])) for column in zip(*each, strict=True))
        assert_close(mapped(*inputs), expected)


def example(operand: Any, number: int) -> Any:
    """An operand a little different, and as valid: numbers some percent larger, integers in another order."""
    values = operand.numpy()
    if operand.dtype.is_differentiable:
        return constant((values * (1 + 0.01 * number)).astype(values.dtype))
    if operand.dtype.name == "uint64":
        return constant(values + np.uint64(number))
    return constant(np.flip(values).copy() if number == 1 else values)
