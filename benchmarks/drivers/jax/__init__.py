"""JAX: each step is one jitted function whose state is donated."""
