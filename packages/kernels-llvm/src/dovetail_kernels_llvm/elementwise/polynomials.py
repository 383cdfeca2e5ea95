"""Polynomials with constant coefficients."""

from __future__ import annotations

from collections.abc import Sequence

from ..codegen.builder import Builder, Value


def polynomial(b: Builder, x: Value, coefficients: Sequence[float]) -> Value:
    """Σ coefficients[i] · xⁱ, by Horner's rule: the fewest instructions, which counts more than the length of the chain
    where a loop has other vectors to work on meanwhile."""
    result = b.constant(x.type, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        result = b.fma(result, x, b.constant(x.type, coefficient))
    return result
