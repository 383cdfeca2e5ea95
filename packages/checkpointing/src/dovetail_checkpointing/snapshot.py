"""The values of a tree at one moment, safe from what happens to it afterwards."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dovetail_protocols.arrays import is_variable
from dovetail_protocols.metas import TensorMeta

from .object_tree import Flattened
from .tensor_bytes import meta_of


@dataclass(frozen=True, slots=True)
class HeldBuffer:
    """The buffer that a variable or tensor had. Nobody writes into it while it is held: see `VariableLike`."""

    payload: Any
    meta: TensorMeta


def snapshot(flattened: Flattened) -> Flattened:
    """The tree with its values of now.

    Buffers of variables and tensors are held, not copied: an assignment puts another in their place, and a compiled
    function overwrites one only if nobody else holds it. Arrays of others are copied, for they may be written to.
    """
    return replace(flattened, tensors={path: _kept(value) for path, value in flattened.tensors.items()}, owners={})


def _kept(value: Any) -> Any:
    if is_variable(value) or (hasattr(value, "payload") and hasattr(value, "meta")):
        return HeldBuffer(value.payload, meta_of(value))
    return np.array(value)
