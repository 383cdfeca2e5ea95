"""Scaled dot-product attention and its gradient, in blocks."""

from __future__ import annotations

from .backward import attention_gradient_launches
from .description import Attention, AttentionGradient, statistics_dtype
from .forward import attention_launches

__all__ = ["Attention", "AttentionGradient", "attention_gradient_launches", "attention_launches", "statistics_dtype"]
