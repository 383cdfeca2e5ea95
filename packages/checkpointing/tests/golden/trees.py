"""What the golden checkpoints are of: every dtype, with the values that are lost first, and every kind of node."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np


def bits(dtype: Any, *patterns: int) -> np.ndarray[Any, Any]:
    """An array of elements with these bits."""
    item = np.dtype(dtype).itemsize
    return np.frombuffer(b"".join(pattern.to_bytes(item, "little") for pattern in patterns), np.dtype(dtype)).copy()


def every_dtype() -> dict[str, Any]:
    """Quiet and signaling NaNs with payloads, both zeros, the least subnormals, infinities, the largest numbers."""
    float64 = (0x7FF8000000000001, 0xFFF0DEADBEEF0001, 0x8000000000000000, 1, 0x7FF0000000000000, 0x7FEFFFFFFFFFFFFF)
    float32 = (0x7FC00001, 0xFFA12345, 0x80000000, 1, 0x7F800000, 0x7F7FFFFF)
    float16 = (0x7E01, 0xFD12, 0x8000, 1, 0x7C00, 0x7BFF)
    return {
        "bool": np.array([True, False, True]),
        **{
            f"{kind}int{size}".removeprefix("s"): np.array([np.iinfo(name).min, 0, np.iinfo(name).max], dtype=name)
            for kind in ("s", "u")
            for size in (8, 16, 32, 64)
            for name in [f"{kind}int{size}".removeprefix("s")]
        },
        "float16": bits(np.float16, *float16),
        "bfloat16": bits(ml_dtypes.bfloat16, 0x7FC1, 0xFFA1, 0x8000, 1, 0x7F80, 0x7F7F),
        "float8_e4m3fn": bits(ml_dtypes.float8_e4m3fn, 0x7F, 0xFF, 0x80, 1, 0x7E),
        "float8_e5m2": bits(ml_dtypes.float8_e5m2, 0x7D, 0xFF, 0x80, 1, 0x7C, 0x7B),
        "float32": bits(np.float32, *float32),
        "float64": bits(np.float64, *float64),
        "complex64": bits(np.float32, *float32).view(np.complex64),
        "complex128": bits(np.float64, *float64).view(np.complex128),
    }


def shapes() -> dict[str, Any]:
    """Arrays without axes, without elements, of many axes, and not in the order of memory."""
    return {
        "no axes": np.array(2.5),
        "no axes, two bytes": np.array(-7, np.int16),
        "no elements": np.zeros(0, np.float32),
        "no elements, three axes": np.zeros((3, 0, 2), np.complex128),
        "eight axes": np.arange(256, dtype=np.uint8).reshape((2,) * 8),
        "transposed": np.arange(6, dtype=np.int32).reshape(2, 3).T,
        "every other": np.arange(10, dtype=np.int64)[::2],
        "backwards": np.arange(4, dtype=np.float64)[::-1],
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
            "negative zero": -0.0,
            "least": 5e-324,
            "infinite": float("inf"),
            "bytes": bytes(range(256)),
            "no bytes": b"",
            "text": 'schön 模型 🙂 \u202e " \\ / \n\t',
            "no text": "",
        },
        "名前": {"ключ": np.array([1], np.int8), "🙂": np.array([2], np.int8), "a/b": 1, "a": {"b": 2}, " ": 3, "": 4},
        "__metadata__": np.array([5], np.int8),
    }


TREES = {"dtypes": every_dtype, "shapes": shapes, "nodes": nodes}
