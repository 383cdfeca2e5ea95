"""How each framework runs the workloads, each at its best."""
