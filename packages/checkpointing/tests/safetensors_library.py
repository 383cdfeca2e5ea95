"""The safetensors library, which reads and writes the same files independently of this package."""

from __future__ import annotations

from typing import Any

import pytest


def upstream() -> Any:
    """Its module for NumPy. It has no build for a Python without the GIL: who asks for it is skipped there."""
    return pytest.importorskip("safetensors.numpy", reason="safetensors is not installed")
