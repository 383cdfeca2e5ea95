"""What is computed from a convolution's results before they are stored."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dovetail_kernels_llvm.codegen.isa import isa
from dovetail_kernels_llvm.kernels.cluster import (
    COLUMN,
    CONSTANT,
    FULL,
    INDEX,
    LOAD,
    ONE,
    PRODUCT,
    ROW,
    SUM,
    Cluster,
    Store,
    Term,
)
from dovetail_kernels_llvm.kernels.convolution import (
    Convolution,
    InputGradient,
    convolution_input_gradient_launches,
    convolution_launches,
    is_possible,
)
from dovetail_kernels_llvm.kernels.kernel import View
from dovetail_protocols.operations.windows import window_grid

from .window_oracle import Array, Buffers, conv, input_gradient

CASES: dict[str, dict[str, Any]] = {
    "a tile of pixels": {"shape": (2, 7, 9, 12), "columns": 32},
    "columns left over": {"shape": (2, 7, 9, 12), "columns": 21},
    "panels left over": {"shape": (2, 5, 5, 8), "columns": 117},
    "few columns": {"shape": (2, 6, 6, 24), "columns": 3},
    "images in a tile": {"shape": (9, 4, 4, 32), "columns": 32},
    "filters in parts": {"shape": (7, 3, 3, 256), "columns": 64},
    "depthwise": {"shape": (2, 6, 6, 21), "columns": 21, "groups": 21},
    "groups": {"shape": (2, 6, 6, 8), "columns": 12, "groups": 2},
    "strides": {"shape": (2, 8, 8, 8), "columns": 16, "strides": 2},
}


def spread(view: View, shape: tuple[int, ...], axes: tuple[int, ...]) -> View:
    """A view whose axes are some of those of a shape, for a broadcast over all others."""
    strides = [0] * len(shape)
    for axis, stride in zip(axes, view.strides, strict=False):
        strides[axis] = stride
    return View(view.buffer, view.dtype, shape, tuple(strides), view.offset)


class Epilogue:
    """relu(product + bias) · scale of a row, plus a residual over which it is stored; the product itself in another
    layout; and, where `many`, terms that are too many to be written out for each vector."""

    def __init__(self, buffers: Buffers, shape: tuple[int, ...], *, many: bool) -> None:
        random = np.random.default_rng(3)
        rank = len(shape)
        self.bias, self.scale = random.standard_normal(shape[-1:]), random.standard_normal(shape[:-1])
        self.before, self.factor = random.standard_normal(shape), float(random.standard_normal())
        self.many = many
        bias = spread(buffers.add(self.bias.astype("float32")), shape, (rank - 1,))
        scale = spread(buffers.add(self.scale.astype("float64")), shape, tuple(range(rank - 1)))
        factor = spread(buffers.add(np.float32(self.factor).reshape(1)), shape, ())
        self.result = buffers.empty("float32", shape)
        buffers.arrays[self.result.buffer][...] = self.before
        self.product = buffers.empty("float64", shape, "channels first")
        terms = [
            Term(PRODUCT, (), "float32"),
            Term(LOAD, (), "float32", COLUMN, bias),
            Term("add", (0, 1), "float32"),
            Term(CONSTANT, (), "float32", ONE, None, (("value", 0.0),)),
            Term("maximum", (2, 3), "float32"),
            Term(LOAD, (), "float64", ROW, scale),
            Term("cast", (4,), "float64"),
            Term("multiply", (6, 5), "float64"),
            Term("cast", (7,), "float32"),
            Term(LOAD, (), "float32", FULL, self.result),
            Term("add", (8, 9), "float32"),
            Term(LOAD, (), "float32", ONE, factor),
            Term("multiply", (10, 11), "float32"),
            Term("cast", (0,), "float64"),
        ]
        self.stores = [Store(12, self.result), Store(13, self.product)]
        if many:
            last = 12
            for axis in range(rank):
                terms += [
                    Term(INDEX, (), "int64", FULL, None, (("axis", axis),)),
                    Term("cast", (len(terms),), "float32"),
                    Term("add", (last, len(terms) + 1), "float32"),
                ]
                last = len(terms) - 1
            self.stores[0] = Store(last, self.result)
        self.cluster = Cluster(shape[:-1], shape[-1], tuple(terms), tuple(self.stores))

    def expected(self, product: Array) -> Array:
        result = np.maximum(product + self.bias, 0) * self.scale[..., None] + np.float32(self.before)
        result = result * np.float32(self.factor)
        return result + sum(np.indices(product.shape)) if self.many else result


@pytest.mark.parametrize("many", [False, True], ids=["written out", "in a loop"])
@pytest.mark.parametrize("name", CASES)
def test_epilogues_take_what_the_convolution_computed(name: str, many: bool) -> None:
    arguments = dict(CASES[name])
    shape, columns, groups = arguments.pop("shape"), arguments.pop("columns"), arguments.pop("groups", 1)
    random = np.random.default_rng(5)
    grid = window_grid("conv", shape[1:-1], window=(3, 3), strides=arguments.get("strides", 1), padding="same")
    buffers = Buffers()
    x = buffers.add(random.standard_normal(shape).astype("float32"))
    filters = buffers.add(random.standard_normal((3, 3, shape[-1] // groups, columns)).astype("float32"))
    epilogue = Epilogue(buffers, (shape[0], *grid.output, columns), many=many)
    assert is_possible(epilogue.cluster)
    buffers.run(convolution_launches(isa(), Convolution(x, filters, grid, epilogue.cluster, groups), buffers.empty))
    product = conv(buffers.number(x), buffers.number(filters), grid, groups)
    # Sums of up to 2304 products of normal numbers, in single precision.
    np.testing.assert_allclose(buffers.number(epilogue.product), product, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(buffers.number(epilogue.result), epilogue.expected(product), rtol=1e-5, atol=5e-4)


@pytest.mark.parametrize("strides", [1, 2, 3])
def test_epilogues_of_input_gradients_see_each_pixel_once(strides: int) -> None:
    shape, columns = (2, 7, 8, 20), 12
    random = np.random.default_rng(6)
    grid = window_grid("conv", shape[1:-1], window=(3, 3), strides=strides, padding="same")
    buffers = Buffers()
    cotangent = buffers.add(random.standard_normal((2, *grid.output, columns)).astype("float32"))
    filters = buffers.add(random.standard_normal((3, 3, shape[-1], columns)).astype("float32"))
    epilogue = Epilogue(buffers, shape, many=True)
    description = InputGradient(cotangent, filters, grid, shape[1:-1], epilogue.cluster)
    buffers.run(convolution_input_gradient_launches(isa(), description, buffers.empty))
    product = input_gradient(buffers.number(cotangent), buffers.number(filters), grid, shape[1:-1], 1)
    np.testing.assert_allclose(buffers.number(epilogue.product), product, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(buffers.number(epilogue.result), epilogue.expected(product), rtol=1e-5, atol=5e-4)


def test_reductions_are_no_epilogue() -> None:
    shape = (2, 4, 4, 8)
    buffers = Buffers()
    total = Store(1, buffers.empty("float32", shape[-1:]))
    terms = (Term(PRODUCT, (), "float32"), Term(SUM, (0,), "float32", COLUMN))
    assert not is_possible(Cluster(shape[:-1], shape[-1], terms, (total,)))
