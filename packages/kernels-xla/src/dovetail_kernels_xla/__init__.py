"""JAX as a device of Dovetail: buffers, a kernel for every operation, and a compiler. Found by entry points."""

__all__: list[str] = []
