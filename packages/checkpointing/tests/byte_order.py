"""Bytes of arrays that are the same on every machine, to compare with those of files."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np


def little_endian(array: np.ndarray[Any, Any]) -> bytes:
    """The array's bytes in C order, each number's least byte first."""
    is_little = array.dtype.isnative == (sys.byteorder == "little")
    return (array if is_little else array.byteswap()).tobytes()
