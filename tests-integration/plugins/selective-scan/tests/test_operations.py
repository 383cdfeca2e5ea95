"""The operations in use: eager, differentiated, batched, traced, and with the package's kernels switched off."""

import numpy as np
import pytest
from dovetail_selective_scan import linear_recurrence, selective_scan
from dovetail_selective_scan.definition import recurrence, scan

import dovetail as dt
from dovetail_autodiff import check_gradients
from dovetail_protocols.errors import AxisError, ShapeError

SHAPES = {"x": (2, 5, 3), "delta": (2, 5, 3), "a": (3, 4), "b": (2, 5, 4), "c": (2, 5, 4), "d": (3,)}


def operands(batch=()):
    """Random float64 operands, all of the same leading axes, with steps and decays as Mamba has them."""
    generator = np.random.default_rng(7)
    made = {name: generator.uniform(-1, 1, (*batch, *shape)) for name, shape in SHAPES.items()}
    made["delta"], made["a"] = np.abs(made["delta"]) + 0.1, -np.abs(made["a"]) - 0.1
    return list(made.values())


def tensors(batch=()):
    return [dt.constant(array) for array in operands(batch)]


def weighted(*arrays):
    """A scalar that depends on every result differently."""
    result = selective_scan(*arrays)
    weights = dt.reshape(dt.arange(result.size, dtype=dt.float64), result.shape)
    return dt.sum(dt.sin(weights) * result * result)


@pytest.mark.parametrize("policy", [["selective-scan"], ["numpy"]], ids=["kernel", "decomposition"])
@pytest.mark.parametrize("run", [lambda f: f, dt.function], ids=["eager", "traced"])
def test_result_is_that_of_the_definition(policy, run):
    with dt.kernels.use(*policy, only=True):
        assert np.allclose(run(selective_scan)(*tensors()).numpy(), scan(*operands()), rtol=1e-12)


@pytest.mark.parametrize("policy", [["selective-scan", "numpy"], ["numpy"]], ids=["kernel", "decomposition"])
def test_gradient_is_the_same_with_the_kernel_and_through_the_decomposition_and_traced(policy):
    gradient = dt.grad(weighted, argnums=tuple(range(6)))
    expected = gradient(*tensors())
    with dt.kernels.use(*policy, only=True):
        given = gradient(*tensors())
    for one, other, compiled in zip(given, expected, dt.function(gradient)(*tensors()), strict=True):
        assert np.allclose(one.numpy(), other.numpy(), rtol=1e-11)
        assert np.allclose(compiled.numpy(), other.numpy(), rtol=1e-11)


def test_derivatives_of_first_and_second_order_are_those_of_finite_differences():
    check_gradients(selective_scan, *[array[..., :3, :] if array.ndim == 3 else array for array in tensors()])
    small = [array[:1, :2] if array.ndim == 3 else array for array in tensors()]
    check_gradients(selective_scan, *small, order=2)
    decay, inputs = small[0], small[1]
    for reverse in (False, True):
        check_gradients(lambda a, b, r=reverse: linear_recurrence(a, b, axis=1, reverse=r), decay, inputs, order=2)


@pytest.mark.parametrize("batched", [(0, 1, 2, 3, 4, 5), (0,), (2,), (5,), (1, 3)])
def test_vmap_is_the_examples_one_by_one(batched):
    many, one = operands((3,)), operands()
    in_axes = tuple(0 if place in batched else None for place in range(6))
    given = [many[place] if place in batched else one[place] for place in range(6)]
    result = dt.vmap(selective_scan, in_axes=in_axes)(*map(dt.constant, given))
    for example in range(3):
        chosen = [many[place][example] if place in batched else one[place] for place in range(6)]
        assert np.allclose(result[example].numpy(), scan(*chosen), rtol=1e-12)


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("in_axes", [(0, 0), (0, None), (None, 1)])
def test_vmap_of_the_recurrence_runs_along_the_axis_of_each_example(axis, in_axes):
    one = {0: (3, 4, 4), 1: (4, 3, 4), None: (4, 4)}
    arrays = [np.random.default_rng(place).uniform(-1, 1, one[where]) for place, where in enumerate(in_axes)]
    result = dt.vmap(lambda a, b: linear_recurrence(a, b, axis=axis), in_axes=in_axes)(*map(dt.constant, arrays))
    for example in range(3):
        chosen = [a if w is None else np.take(a, example, w) for a, w in zip(arrays, in_axes, strict=True)]
        assert np.allclose(result[example].numpy(), recurrence(*chosen, axis=axis), rtol=1e-12)


def test_gradients_of_a_batch_are_a_batch_of_gradients():
    many = tensors((3,))
    batch = dt.vmap(dt.grad(weighted, argnums=2))(*many)
    for example in range(3):
        alone = dt.grad(weighted, argnums=2)(*[array[example] for array in many])
        assert np.allclose(batch[example].numpy(), alone.numpy(), rtol=1e-11)


def test_recurrence_of_a_constant_decay_is_a_geometric_series():
    states = linear_recurrence(dt.fill((50,), 0.5), dt.ones((50,)))
    assert np.allclose(states.numpy(), 2 - 0.5 ** np.arange(50), rtol=1e-6)
    assert np.allclose(linear_recurrence(dt.ones((2, 5)), dt.ones((2, 5)), axis=1).numpy(), [[1, 2, 3, 4, 5]] * 2)


def test_recurrence_backwards_is_that_of_the_flipped_arrays():
    decay, inputs = operands()[:2]
    states = linear_recurrence(dt.constant(decay), dt.constant(inputs), axis=1, reverse=True)
    flipped = recurrence(decay[:, ::-1], inputs[:, ::-1], axis=1, reverse=False)[:, ::-1]
    assert np.allclose(states.numpy(), flipped, rtol=1e-12)


@pytest.mark.parametrize(
    ("operand", "shape", "told"),
    [
        (1, (2, 6, 3), "x and delta differ in length"),
        (2, (5, 4), "x and a differ in channels"),
        (4, (2, 5, 7), "a and c differ in state"),
        (5, (4,), "d, axis -1 (channels)"),
        (3, (4,), "expected: (..., length, state)"),
        (0, (3, 5, 3), "broadcast"),
    ],
)
def test_operands_that_do_not_fit_are_named_with_their_axis(operand, shape, told):
    arrays = tensors()
    arrays[operand] = dt.ones(shape, dtype=dt.float64)
    with pytest.raises(ShapeError) as error:
        selective_scan(*arrays)
    assert told in str(error.value)


def test_recurrence_names_the_axis_that_differs_and_the_one_that_is_not_there():
    with pytest.raises(ShapeError, match="axis 1"):
        linear_recurrence(dt.ones((2, 3)), dt.ones((2, 4)))
    with pytest.raises(AxisError, match="from -2 to 1"):
        linear_recurrence(dt.ones((2, 3)), dt.ones((2, 3)), axis=2)
