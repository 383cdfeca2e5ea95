"""What the entry point `dovetail.functions.v1` names: this package in the role of FunctionMaker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .function import Function
from .options import Options


class Provider:
    """Traced functions for packages that only know the protocols."""

    def function(self, python_function: Callable[..., Any], *, name: str | None = None) -> Callable[..., Any]:
        """The function, traced once for each signature and run as a graph."""
        return Function(python_function, Options(name=name))


PROVIDER = Provider()
