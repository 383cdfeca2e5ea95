"""The `dovetail` command: one module for each of its commands."""
