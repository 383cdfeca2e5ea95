"""Where arrays are, and in what configuration of JAX programs for them are made.

JAX takes 64-bit dtypes for 32-bit ones unless it is configured otherwise, for the whole process. Here that is switched
on for this thread, and only while an array is placed or a program is traced: what was compiled needs it no more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cache
from typing import Any

import jax
import numpy as np
from jax.sharding import SingleDeviceSharding

from dovetail_protocols.metas import TensorMeta

from .dtypes import numpy_dtype


@cache
def sharding_of(index: int) -> SingleDeviceSharding:
    """The place of arrays that are on device `index`."""
    return SingleDeviceSharding(jax.devices()[index])


def shaped(shape: Sequence[int], dtype: Any, place: Any = None) -> Any:
    """What stands for an array while a function is traced."""
    return jax.ShapeDtypeStruct(tuple(map(int, shape)), dtype, sharding=place)  # type: ignore[no-untyped-call] # JAX's


def put(array: Any, index: int) -> Any:
    """A NumPy array's contents on device `index`, in memory of their own."""
    if jax.devices()[index].platform == "cpu":
        array = np.array(array)  # JAX shares the memory of aligned arrays there
    with jax.enable_x64(True):
        return jax.device_put(array, sharding_of(index))


def copied(buffer: Any) -> Any:
    """Another array with the same contents in the same place."""
    with jax.enable_x64(True):
        return buffer.copy()


def held(index: int) -> list[Any]:
    """Every array on device `index` that somebody holds."""
    place = jax.devices()[index]
    arrays = jax.live_arrays()  # type: ignore[no-untyped-call] # JAX doesn't annotate it
    return [array for array in arrays if place in array.devices()]


def compiled(
    function: Callable[..., Any], operands: Sequence[TensorMeta], index: int, donated: Collection[int] = ()
) -> Any:
    """The function compiled for operands of those metas, all on device `index`; it may overwrite the donated ones."""
    place = sharding_of(index)
    with jax.enable_x64(True):
        given = [shaped(meta.shape, numpy_dtype(meta.dtype), place) for meta in operands]
        jitted = jax.jit(function, donate_argnums=tuple(sorted(donated)), out_shardings=place, keep_unused=True)
        return jitted.lower(*given).compile()
