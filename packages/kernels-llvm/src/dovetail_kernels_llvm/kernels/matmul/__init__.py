"""Matrix products, with an epilogue of elementwise operations on the result."""

from __future__ import annotations

from .description import Matmul
from .launches import matmul_launches

__all__ = ["Matmul", "matmul_launches"]
