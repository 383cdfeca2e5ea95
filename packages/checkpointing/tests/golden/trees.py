"""What the golden checkpoints are of: every dtype, with the values that are lost first, and every kind of node.

Once a release has checkpoints of these trees, they stay as they are; what is to be added goes into a new tree.
"""

from __future__ import annotations

import struct
import sys
from typing import Any

import ml_dtypes
import numpy as np

Array = np.ndarray[Any, Any]


def bits(dtype: Any, patterns: list[int]) -> Array:
    """An array of elements with these bits."""
    item = np.dtype(dtype).itemsize
    order = sys.byteorder
    return np.frombuffer(b"".join(pattern.to_bytes(item, order) for pattern in patterns), np.dtype(dtype)).copy()


def patterns(exponent_bits: int, fraction_bits: int) -> list[int]:
    """Bits of numbers of an IEEE 754 format, of both signs: zero, the least and the largest subnormal, the least and
    the largest normal, one with a different byte at each place, infinity, and NaNs: signaling with the least, the
    largest and a mixed payload, quiet with none, the least, the largest and a mixed one."""
    infinity = ((1 << exponent_bits) - 1) << fraction_bits
    quiet, largest = 1 << (fraction_bits - 1), (1 << fraction_bits) - 1
    mixed = 0x0123456789ABCDEF & (quiet - 1)
    numbers = [0, 1, largest, largest + 1, infinity - 1, 0x123456789ABCDEF0 >> (63 - exponent_bits - fraction_bits)]
    nans = [1, quiet - 1, mixed, quiet, quiet | 1, largest, quiet | mixed]
    positive = [*numbers, infinity, *(infinity | payload for payload in nans if payload)]
    return [sign << (exponent_bits + fraction_bits) | pattern for sign in (0, 1) for pattern in positive]


def integers(name: str) -> Array:
    """Both ends, zero, and one with a different byte at each place."""
    limits = np.iinfo(name)
    return np.array([limits.min, limits.max, 0, 0x0123456789ABCDEF & int(limits.max)], dtype=name)


def by_dtype() -> dict[str, Array]:
    """Of each dtype that there is, the values that are lost first."""
    whole = [f"{kind}{size}" for kind in ("int", "uint") for size in (8, 16, 32, 64)]
    return {
        "bool": np.array([True, False, True, True]),
        **{name: integers(name) for name in whole},
        "float8_e4m3fn": bits(ml_dtypes.float8_e4m3fn, list(range(256))),
        "float8_e5m2": bits(ml_dtypes.float8_e5m2, list(range(256))),
        "float16": bits(np.float16, patterns(5, 10)),
        "bfloat16": bits(ml_dtypes.bfloat16, patterns(8, 7)),
        "float32": bits(np.float32, patterns(8, 23)),
        "float64": bits(np.float64, patterns(11, 52)),
        "complex64": bits(np.float32, patterns(8, 23)).view(np.complex64),
        "complex128": bits(np.float64, patterns(11, 52)).view(np.complex128),
    }


def every_dtype() -> dict[str, Any]:
    """Each dtype in several elements, in one without axes, in none, and in none with axes."""
    return {
        "vectors": by_dtype(),
        "no axes": {name: array[-1:].reshape(()) for name, array in by_dtype().items()},
        "no elements": {name: array[:0] for name, array in by_dtype().items()},
        "no elements, three axes": {name: array[:0].reshape(3, 0, 2) for name, array in by_dtype().items()},
    }


def shapes() -> dict[str, Any]:
    """Arrays of many axes, and not in the order of memory or of bytes that this machine has."""
    return {
        "eight axes": np.arange(256, dtype=np.uint8).reshape((2,) * 8),
        "transposed": np.arange(6, dtype=np.int32).reshape(2, 3).T,
        "every other": np.arange(10, dtype=np.int64)[::2],
        "backwards": np.arange(4, dtype=np.float64)[::-1],
        "big endian": np.arange(4).astype(">i4"),
        "little endian": np.arange(4).astype("<c16"),
    }


def nodes() -> dict[str, Any]:
    """Containers, tied values, scalars of every kind, and names of many scripts."""
    shared = np.arange(3, dtype=np.float32)
    layer = {"kernel": shared, "bias": np.ones(1, np.float32)}
    return {
        "tied": shared,
        "layers": [layer, {"kernel": shared}, layer],
        "containers": {
            "list": [],
            "tuple": (),
            "dict": {},
            "nested": [[(1, [2])], {}],
            "numbered": {3: "three", -1: "minus"},
        },
        "scalars": {
            "none": None,
            "true": True,
            "false": False,
            "zero": 0,
            "minus": -1,
            "wide": 1 << 200,
            "narrow": -(1 << 200),
            "tenth": 0.1,
            "floats": [struct.unpack(">d", pattern.to_bytes(8, "big"))[0] for pattern in patterns(11, 52)],
            "bytes": bytes(range(256)),
            "no bytes": b"",
            "text": 'schön 模型 🙂 \u202e " \\ / \n\t',
            "no text": "",
        },
        "名前": {"ключ": np.array([1], np.int8), "🙂": np.array([2], np.int8), "a/b": 1, "a": {"b": 2}, " ": 3, "": 4},
        "e\u0301": np.array([1], np.int8),
        "\u00e9": np.array([2], np.int8),
        "__metadata__": np.array([5], np.int8),
    }


TREES = {"dtypes": every_dtype, "shapes": shapes, "nodes": nodes}
