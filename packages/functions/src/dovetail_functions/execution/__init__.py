"""Running a graph: kernels bound once for each node, and a program that calls them one after the other."""
