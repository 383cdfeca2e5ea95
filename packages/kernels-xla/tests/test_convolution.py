"""Convolutions in float8, which XLA hands to cuDNN on GPUs where it sees them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import ml_dtypes
import numpy as np
import pytest

from dovetail_kernels_xla.lowering import LOWERINGS
from dovetail_protocols import CallMeta, TensorMeta, dtype
from dovetail_protocols import operations as ops
from dovetail_protocols.binding import bind_attributes
from dovetail_protocols.metas import Device

FLOAT8 = [ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2]


@pytest.mark.parametrize("kind", FLOAT8)
def test_groups_are_convolved_each_by_its_filter(run: Callable[..., Any], kind: Any) -> None:
    x = np.array([[1, -1, 2, 0, 1], [2, 1, 0, -1, 1]], np.float32)
    filters = np.array([[1, 2], [-1, 1]], np.float32)
    expected = [np.correlate(*pair, mode="valid").tolist() for pair in zip(x, filters, strict=True)]
    found = run(ops.conv, x.T[None].astype(kind), filters.T[:, None].astype(kind), groups=2)
    assert found.dtype == kind
    assert found[0].T.astype(np.float32).tolist() == expected


@pytest.mark.parametrize("kind", FLOAT8)
@pytest.mark.parametrize(("groups", "makers"), [(2, {"optimization_barrier"}), (1, {"convert_element_type"})])
def test_only_groups_are_kept_from_cudnn_s_convolutions_in_float8(kind: Any, groups: int, makers: set[str]) -> None:
    # XLA looks for convolutions of what was just converted. Only on a GPU does it do anything with them.
    arrays = np.ones((1, 4, 2), kind), np.ones((2, 2 // groups, 2), kind)
    metas = tuple(TensorMeta(array.shape, dtype(array.dtype.name), Device("xla")) for array in arrays)
    attributes = bind_attributes(ops.conv, {"groups": groups})
    call = CallMeta(ops.conv, metas, attributes, (ops.conv.infer(metas, attributes),))
    steps = jax.make_jaxpr(lambda x, filters: LOWERINGS[ops.conv](call, x, filters))(*arrays).eqns
    (convolution,) = (step for step in steps if step.primitive.name == "conv_general_dilated")
    assert {step.primitive.name for step in steps if set(step.outvars) & set(convolution.invars)} == makers
