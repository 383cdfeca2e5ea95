"""Gradients, Jacobian products and batching of functions written in Dovetail operations."""

__all__: list[str] = []
