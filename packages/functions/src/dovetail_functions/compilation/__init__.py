"""Handing parts of a graph to compilers: finding them, and checking what they claim."""
