"""Kernels: one operation each, compiled for one set of shapes; those that look at values run as JAX runs them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from dovetail_protocols import operations as ops
from dovetail_protocols.errors import ShapeError
from dovetail_protocols.kernels import CallMeta, Unsupported
from dovetail_protocols.operation import Operation
from dovetail_protocols.operations.printing import filled

from .lowering import run_call
from .placement import compiled
from .refusals import refusal

BOUND_LIMIT = 1024
"""Kernels kept for calls that are the same: which shapes a process meets is without end."""
_bound: dict[Any, Any] = {}


def bind(call: CallMeta) -> Any:
    """The kernel of a call, or why there is none. Equal calls have one kernel, which is compiled once."""
    eager = _EAGER.get(call.operation)
    if eager is not None:
        return eager(call)
    reason = refusal(call)
    if reason is not None:
        return Unsupported(reason)
    # As text, because -0.0 is another number than 0.0.
    key = call.operation, call.operands, repr(call.attributes), call.results
    kernel = _bound.get(key)
    if kernel is None:
        if len(_bound) >= BOUND_LIMIT:
            _bound.clear()
        kernel = _bound[key] = _compiled(call)
    return kernel


def _compiled(call: CallMeta) -> Callable[..., Any]:
    given = [place for place, meta in enumerate(call.operands) if meta is not None]
    gives_tuple = isinstance(call.operation.infer(call.operands, call.attributes), tuple)

    def function(*present: Any) -> Any:
        operands: list[Any] = [None] * len(call.operands)
        for place, operand in zip(given, present, strict=True):
            operands[place] = operand
        results = run_call(call, operands)
        return results if gives_tuple else results[0]

    run: Callable[..., Any] = compiled(
        function, [meta for meta in call.operands if meta is not None], call.results[0].device.index
    )
    if len(given) == len(call.operands):
        return run
    return lambda *operands: run(*(operands[place] for place in given))


def _print(call: CallMeta) -> Callable[..., tuple[()]]:
    text, end, stream = (call.attributes[name] for name in ("format", "end", "stream"))

    def write(*arrays: Any) -> tuple[()]:
        # Looked up at each call: tests and notebooks put others in place.
        output = sys.stdout if stream == "stdout" else sys.stderr
        output.write(filled(text, [str(np.asarray(array)) for array in arrays]) + end)
        output.flush()
        return ()

    return write


def _eagerly(function: Callable[..., Any]) -> Callable[[CallMeta], Callable[..., Any]]:
    """For results whose shapes depend on values: JAX runs the function at once, with 64-bit indices."""

    def bind_one(call: CallMeta) -> Callable[..., Any]:
        def run(*arrays: Any) -> Any:
            with jax.enable_x64(True):
                found = function(*arrays)
                return tuple(found) if isinstance(found, (tuple, list)) else found

        return run

    return bind_one


def _unique(**wanted: bool) -> Callable[..., Any]:
    return lambda x: jnp.unique(x, equal_nan=False, **wanted)


def _repeat_indices(repeats: Any) -> Any:
    counts = np.asarray(repeats)
    if counts.size and counts.min() < 0:
        raise ShapeError(
            "repeat: an element can't be repeated a negative number of times",
            where=f"repeat_indices, repeats[{counts.argmin()}]",
            expected="0 or more",
            got=int(counts.min()),
        )
    numbers = np.repeat(np.arange(counts.shape[0], dtype=np.int64), counts.astype(np.int64))
    return jax.device_put(numbers, repeats.sharding)


_EAGER: dict[Operation, Callable[[CallMeta], Callable[..., Any]]] = {
    ops.print: _print,
    ops.repeat_indices: _eagerly(_repeat_indices),
    ops.nonzero: _eagerly(jnp.nonzero),
    ops.unique_values: _eagerly(_unique()),
    ops.unique_counts: _eagerly(_unique(return_counts=True)),
    ops.unique_inverse: _eagerly(_unique(return_inverse=True)),
    ops.unique_all: _eagerly(_unique(return_index=True, return_inverse=True, return_counts=True)),
}
