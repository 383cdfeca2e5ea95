"""Graph passes: pure functions from graph to graph."""
