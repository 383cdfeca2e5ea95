"""The operations with kernels of their own, by name: what each takes, and its launches."""

from __future__ import annotations

from collections.abc import Mapping

from ..ops import Op
from .attention import ATTENTION
from .convolution import CONVOLUTION_GRADIENTS, CONVOLUTIONS
from .indexing import INDEXING
from .lines import LINES
from .macro import Macro, Product
from .pooling import POOLS
from .products import MATRIX_PRODUCTS
from .random import RANDOM
from .slices import SLICES

PRODUCTS: Mapping[str, Product] = {**MATRIX_PRODUCTS, **CONVOLUTIONS}
MACROS: Mapping[str, Macro | Product] = {
    **PRODUCTS,
    **CONVOLUTION_GRADIENTS,
    **POOLS,
    **ATTENTION,
    **INDEXING,
    **SLICES,
    **LINES,
    **RANDOM,
}

__all__ = ["MACROS", "PRODUCTS", "Macro", "Product", "has_epilogue"]


def has_epilogue(op: Op) -> bool:
    """Whether an operation is one of PRODUCTS."""
    return op.name in PRODUCTS
