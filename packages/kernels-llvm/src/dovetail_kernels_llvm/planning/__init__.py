"""From a graph to launches of kernels: what runs together, where values lie, in which order."""
