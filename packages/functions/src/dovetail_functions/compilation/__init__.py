"""Handing parts of a graph to compilers: finding them, checking what they claim, and cutting the graph."""
