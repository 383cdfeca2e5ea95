"""A variable of no tensor package's: what VariableLike asks for, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np

from dovetail_protocols.metas import TensorMeta

from .cases import Buffer
from .numpy_dtypes import dovetail_dtype


class HostVariable:
    """A VariableLike with the members that the role asks for; its buffer is a NumPy array, copied from the value."""

    def __init__(self, value: Any, name: str = "variable", trainable: bool = True) -> None:
        self.name, self.trainable = name, trainable
        self._payload: Buffer = np.array(value)

    @property
    def meta(self) -> TensorMeta:
        return TensorMeta(self._payload.shape, dovetail_dtype(self._payload.dtype))

    @property
    def payload(self) -> Buffer:
        return self._payload

    def replace(self, payload: Any) -> None:
        self._payload = payload
