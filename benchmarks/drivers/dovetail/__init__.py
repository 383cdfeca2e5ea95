"""Dovetail as its users write it: layers, a gradient tape, an optimizer, and one function around the step."""
