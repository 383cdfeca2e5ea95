"""The experiments, one a file; `registry.py` lists them."""
