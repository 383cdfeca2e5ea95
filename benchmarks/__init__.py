"""Dovetail beside PyTorch, JAX, NumPy and TensorFlow, in one run: `python -m benchmarks`."""
