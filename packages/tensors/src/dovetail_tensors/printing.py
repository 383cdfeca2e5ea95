"""How tensors and variables show themselves."""

from __future__ import annotations

from typing import Any

import numpy as np

from dovetail_protocols.metas import CPU

from .signature import Signature


def describe(kind: str, array: Any, signature: Signature, *extra: str) -> str:
    """The elements as NumPy prints them, under its print options, with shape and dtype.

    >>> import numpy as np
    >>> from dovetail_tensors.signature import signature_of
    >>> from dovetail_protocols.dtypes import float32
    >>> print(describe("Tensor", np.ones((2, 2), np.float32), signature_of(float32)))
    Tensor([[1., 1.],
            [1., 1.]], shape=(2, 2), dtype=float32)
    """
    text = np.array2string(array, separator=", ", prefix=f"{kind}(")
    facts = [f"shape={array.shape}", f"dtype={signature.dtype}", *extra]
    if signature.device != CPU:
        facts.append(f"device={signature.device}")
    return f"{kind}({text}, {', '.join(facts)})"
