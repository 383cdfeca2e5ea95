"""Scaled dot-product attention and its gradient, in blocks."""

from __future__ import annotations

from .description import Attention, AttentionGradient, statistics_dtype
from .forward import attention_launches

__all__ = ["Attention", "AttentionGradient", "attention_launches", "statistics_dtype"]
