"""What the entry point `dovetail.autodiff.v1` names: this package in the role of Differentiator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .forward import jvp
from .reverse import value_and_grad
from .vectorize import vmap


class Provider:
    """Derivatives and batches for packages that only know the protocols."""

    def value_and_gradients(self, function: Callable[..., Any], arrays: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
        """The scalar `function(*arrays)`, and its gradient for each array."""
        value, gradients = value_and_grad(function, argnums=tuple(range(len(arrays))))(*arrays)
        return value, gradients

    def values_and_tangents(
        self, function: Callable[..., Any], arrays: Sequence[Any], tangents: Sequence[Any]
    ) -> tuple[Sequence[Any], Sequence[Any]]:
        """The arrays that `function(*arrays)` returns, and their derivatives along the tangents."""
        values, pushed = jvp(function, tuple(arrays), tuple(tangents))
        return values, pushed

    def batched(self, function: Callable[..., Any], arrays: Sequence[Any], is_batched: Sequence[bool]) -> Sequence[Any]:
        """The arrays that `function` returns for each example of the batch, stacked along their first axis."""
        results: Sequence[Any] = vmap(function, in_axes=tuple(0 if one else None for one in is_batched))(*arrays)
        return results


PROVIDER = Provider()
