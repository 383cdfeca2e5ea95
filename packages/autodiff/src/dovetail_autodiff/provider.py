"""What the entry point `dovetail.autodiff.v1` names: this package in the role of Differentiator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .reverse import value_and_grad


class Provider:
    """Gradients for packages that only know the protocols."""

    def value_and_gradients(self, function: Callable[..., Any], arrays: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
        """The scalar `function(*arrays)`, and its gradient for each array."""
        value, gradients = value_and_grad(function, argnums=tuple(range(len(arrays))))(*arrays)
        return value, gradients


PROVIDER = Provider()
