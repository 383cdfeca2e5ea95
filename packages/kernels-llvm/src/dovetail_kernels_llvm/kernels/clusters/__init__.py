"""Clusters: fused elementwise operations and reductions, as kernels."""

from __future__ import annotations

from .launches import cluster_launches

__all__ = ["cluster_launches"]
