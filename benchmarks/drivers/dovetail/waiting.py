"""Waiting for what a device computes while Python goes on. On the CPU results are there when a call returns."""

from typing import Any


def wait(tensor: Any) -> None:
    """Return when a tensor or variable is computed, and with it whatever the same program gave."""
    block = getattr(tensor.payload, "block_until_ready", None)
    if block is not None:
        block()
