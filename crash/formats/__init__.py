"""Checkpoint formats, one a file; `catalogue.py` lists them. Their libraries are imported in worker processes only."""
