"""Rows of a table by number, and the gradient that sums into them."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta

from .declaration import kernel
from .placing import combine, in_range, out_of_range, signed


@kernel(ops.embedding, binding="per_dtype")
def embedding(call: CallMeta) -> Any:
    def run(table: Any, indices: Any) -> Any:
        try:
            return table.take(signed(indices), axis=0)
        except IndexError as error:
            raise out_of_range("embedding", indices, len(table), 0) from error

    return run


@kernel(ops.embedding_gradient)
def embedding_gradient(call: CallMeta) -> Any:
    size, shape = call.attributes["size"], call.results[0].shape

    def run(cotangent: Any, indices: Any) -> Any:
        result = np.zeros(shape, cotangent.dtype)
        rows = in_range("embedding_gradient", indices, size, 0).reshape(-1)
        width = prod(shape[1:])
        combine(np.add, result.reshape(size, width), rows, cotangent.reshape(rows.size, width))
        return result

    return run
