"""The macro-operations: each writes the code of its kernels."""
