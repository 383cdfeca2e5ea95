"""Running sums and products against NumPy, to the bit."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dovetail_kernels_llvm.codegen.isa import isa
from dovetail_kernels_llvm.kernels.cumulative import cumulative_launches
from dovetail_kernels_llvm.kernels.kernel import View
from dovetail_kernels_llvm.runtime.plain import run

SIZES = st.sampled_from([1, 2, 3, 5, 8, 17, 33, 70])


def seen(number, array, base):
    steps = tuple(stride // array.itemsize for stride in array.strides)
    distance = array.__array_interface__["data"][0] - base.__array_interface__["data"][0]
    return View(number, str(array.dtype), array.shape, steps, distance // array.itemsize)


def bordered(shape, dtype, order):
    """(base, view of that shape in it): axes lie in that order, with one more element before and after each."""
    base = np.full([shape[axis] + 2 for axis in order], 77, dtype)
    return base, base.transpose([order.index(axis) for axis in range(len(shape))])[(slice(1, -1),) * len(shape)]


def accumulated(x, axis, *, product, initial):
    function = np.cumulative_prod if product else np.cumulative_sum
    with np.errstate(all="ignore"):
        if x.dtype == np.float16:
            return function(x.astype(np.float32), axis=axis, include_initial=initial).astype(np.float16)
        return function(x, axis=axis, dtype=x.dtype, include_initial=initial)


@settings(max_examples=50, deadline=None, derandomize=True, database=None)
@given(st.data())
def test_running_sums_and_products_are_those_of_numpy_to_the_bit(data):
    shape = data.draw(st.lists(SIZES, min_size=1, max_size=3))
    axis, product = data.draw(st.integers(0, len(shape) - 1)), data.draw(st.booleans())
    dtype = data.draw(st.sampled_from(["int8", "uint16", "int32", "int64", "float16", "float32", "float64"]))
    initial = data.draw(st.booleans())
    generator = np.random.default_rng(0)
    values = generator.integers(-9, 9, shape) if "int" in dtype else generator.uniform(-1.5, 1.5, shape)
    source_base, source = bordered(shape, dtype, data.draw(st.permutations(range(len(shape)))))
    source[...] = values.astype(dtype)
    wanted = accumulated(source, axis, product=product, initial=initial)
    base, target = bordered(wanted.shape, dtype, data.draw(st.permutations(range(len(shape)))))
    (launch,) = cumulative_launches(
        isa(), seen(0, source, source_base), seen(1, target, base), axis, product=product, include_initial=initial
    )
    run([launch], {0: source_base, 1: base})
    assert target.tobytes() == wanted.tobytes()
    target[...] = 77
    assert (base == 77).all()


def test_zeros_keep_their_sign_and_nan_stays():
    x = np.array([[-0.0, 1, np.nan, 2], [np.inf, -np.inf, 1, 1], [-0.0, -0.0, 0.0, -0.0]], np.float32)
    target = np.empty_like(x)
    run(cumulative_launches(isa(), seen(0, x, x), seen(1, target, target), 1), {0: x, 1: target})
    with np.errstate(invalid="ignore"):
        wanted = np.cumsum(x, 1)
    np.testing.assert_array_equal(target, wanted)
    np.testing.assert_array_equal(np.signbit(target[2]), np.signbit(wanted[2]))


def test_an_empty_axis_gives_the_initial_value_alone():
    x, target = np.empty((3, 0), np.float32), np.zeros((3, 1), np.float32)
    views = seen(0, x, x), View(1, "float32", (3, 1), (1, 1))
    run(cumulative_launches(isa(), *views, 1, product=True, include_initial=True), {0: x, 1: target})
    assert target.tolist() == [[1]] * 3
    assert cumulative_launches(isa(), seen(0, x, x), seen(1, x, x), 1) == []


def test_many_lines_are_cut_into_tasks():
    for axis in (0, 1):
        x = np.random.default_rng(1).standard_normal((900, 901)).astype(np.float32)
        target = np.empty_like(x)
        (launch,) = cumulative_launches(isa(), seen(0, x, x), seen(1, target, target), axis)
        assert launch.tasks > 1
        run([launch], {0: x, 1: target})
        np.testing.assert_array_equal(target, np.cumsum(x, axis))
