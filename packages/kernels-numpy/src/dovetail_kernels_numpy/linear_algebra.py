"""Products of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta

from .declaration import kernel


@kernel(ops.matmul, binding="per_dtype")
def matmul(call: CallMeta) -> Any:
    return np.matmul
