"""Conversion of dtypes."""

from __future__ import annotations

from operator import methodcaller
from typing import Any

import numpy as np

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta

from .declaration import kernel
from .dtypes import numpy_dtype
from .precision import quiet


@kernel(ops.cast, binding="per_dtype")
def cast(call: CallMeta) -> Any:
    source, target = (numpy_dtype(meta.dtype) for meta in (*call.operands, *call.results) if meta is not None)
    convert = methodcaller("astype", target)
    if np.can_cast(source, target, "safe"):
        return convert
    if source.kind == "c" and target.kind not in "cb":
        return quiet(lambda x: convert(x.real))
    return quiet(convert)
