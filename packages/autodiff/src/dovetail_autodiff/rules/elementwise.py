"""How the derivative of an elementwise operation is declared: as a product, which serves both modes.

Each element of the result depends on one element of each operand, so that a cotangent is pulled back and a tangent is
pushed forward by the same factor. Cotangents aren't conjugated (Re Σ cotangent · result is what is differentiated), so
this holds for complex numbers too, where the function is holomorphic.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.operation import Operation

from ..extend import gradient_of, jvp_of
from .broadcasting import unbroadcast

Product = Callable[[Any], Any]


def derivative_of(operation: Operation) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declares both rules of a function of one operand: `rule(u, result, x, **attributes)` gives u · f′(x)."""

    def declare(rule: Callable[..., Any]) -> Callable[..., Any]:
        def forward(tangents: tuple[Any], result: Any, x: Any, **attributes: Any) -> Any:
            return rule(tangents[0], result, x, **attributes)

        gradient_of(operation)(rule)
        jvp_of(operation)(forward)
        return rule

    return declare


def derivatives_of(operation: Operation) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declares both rules of a function of several operands, which broadcast: `rule(result, *operands, **attributes)`
    gives for each operand the function from u to u · ∂f/∂operand, or None where that is zero everywhere.

    Only the products that somebody wants are computed: the gradient gives them as functions.
    """

    def declare(rule: Callable[..., Any]) -> Callable[..., Any]:
        def gradient(cotangent: Any, result: Any, *operands: Any, **attributes: Any) -> Any:
            products = rule(result, *operands, **attributes)
            return tuple(
                None if product is None else _pulled(product, cotangent, operand)
                for product, operand in zip(products, operands, strict=True)
            )

        def forward(tangents: tuple[Any, ...], result: Any, *operands: Any, **attributes: Any) -> Any:
            products = rule(result, *operands, **attributes)
            total = None
            for tangent, product in zip(tangents, products, strict=True):
                if tangent is not None and product is not None:
                    pushed = product(tangent)
                    total = pushed if total is None else total + pushed
            if total is None or tuple(total.shape) == tuple(result.shape):
                return total
            return ops.broadcast_to(total, shape=result.shape)

        gradient_of(operation)(gradient)
        jvp_of(operation)(forward)
        return rule

    return declare


def _pulled(product: Product, cotangent: Any, operand: Any) -> Callable[[], Any]:
    return lambda: unbroadcast(product(cotangent), operand)


def as_factor(condition: Any, like: Any) -> Any:
    """1 where a condition holds, else 0, in the dtype of an array."""
    return ops.cast(condition, dtype=like.dtype)
