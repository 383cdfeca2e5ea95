"""Reductions."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta

from .declaration import kernel
from .dtypes import numpy_dtype


@kernel(ops.sum, binding="per_dtype")
def sum(call: CallMeta) -> Any:
    # NumPy widens small integers unless told the dtype.
    return partial(np.add.reduce, dtype=numpy_dtype(call.results[0].dtype), **_axes(call))


def _axes(call: CallMeta) -> dict[str, Any]:
    return {"axis": call.attributes["axis"], "keepdims": call.attributes["keepdims"]}
