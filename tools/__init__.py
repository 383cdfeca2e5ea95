"""Checks and plans for this repository; each module runs as `python -m tools.<name>` from the root."""
