"""What the entry point of kernels names: single operations, compiled where that beats a kernel made of several passes.

Eagerly, an operation that NumPy does in one pass over memory gains nothing here, and small arrays lose to the look-up
by shape. So only operations are offered that NumPy needs several passes, or a slow function, for; and of those only
calls with enough elements.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from dovetail_protocols.errors import AttributeValueError
from dovetail_protocols.kernels import CallMeta, KernelSpec, Unsupported
from dovetail_protocols.operation import Operation

VARIABLE = "DOVETAIL_LLVM_EAGER_ELEMENTS"
"""From how many elements on single operations are compiled, in place of what stands below: 0 compiles all of them."""

FLOATS = frozenset({"float32", "float64"})

MANY = 16384
"""Elements in an elementwise call from which compiling it pays: below, choosing the kernel by shape takes as long."""

SOME = 2048
"""The same for operations of many passes."""

UPDATES = ("adam_update", "momentum_update", "rmsprop_update", "adagrad_update", "lion_update")
NORMS = ("layer_normalization", "layer_normalization_gradient", "rms_normalization")
BATCH_NORMS = ("batch_normalization_training", "batch_normalization_gradient")

OFFERED: dict[str, int] = {
    **dict.fromkeys(("erf", "sigmoid", "gelu", "silu", "softplus", "mish", "logaddexp"), MANY),
    **dict.fromkeys(("softmax", "log_softmax", "logsumexp", "var", "std"), SOME),
    **dict.fromkeys((*NORMS, *BATCH_NORMS, *UPDATES), SOME),
    **dict.fromkeys(("softmax_cross_entropy", "softmax_cross_entropy_gradient"), SOME),
    **dict.fromkeys(("scaled_dot_product_attention", "scaled_dot_product_attention_gradient"), SOME),
    **dict.fromkeys(("conv", "conv_input_gradient", "conv_filter_gradient"), SOME),
    **dict.fromkeys(("max_pool", "max_pool_gradient", "average_pool", "average_pool_gradient"), SOME),
    **dict.fromkeys(("embedding_gradient", "random_bits"), SOME),
}
"""Operations offered one by one, and from how many elements of operands and results on. Those that raise for values,
such as an index out of range, are left to others, for compiled code doesn't look."""


class LlvmKernels:
    """Single operations, compiled where that beats NumPy."""

    protocol = (1, 0)

    def kernels(self) -> Sequence[KernelSpec]:
        return [
            KernelSpec(
                id=name,
                operation=f"dovetail::{name}",
                implementation="dovetail_kernels_llvm.package:implement",
                dtypes=_dtypes(name),
                layouts=frozenset({"contiguous"}),
                priority=40,
            )
            for name in OFFERED
        ]

    def operations(self) -> Sequence[Operation]:
        return ()

    def probe(self) -> Unsupported | None:
        from .compiler import COMPILER

        return COMPILER.probe()


def _dtypes(name: str) -> dict[str, frozenset[str]]:
    """The dtypes that are declared for an operation: of arrays, of statistics beside them, of a learning rate."""
    if name == "random_bits":
        return {}
    declared = {"T": FLOATS}
    if name in (*NORMS, *BATCH_NORMS, *UPDATES):
        declared["S"] = FLOATS
    if name in UPDATES:
        declared["L"] = FLOATS
    return declared


def implement(call: CallMeta) -> Callable[..., Any] | Unsupported:
    """The kernel for a call: the operation compiled by itself."""
    from .planning.expansion import refusal, single
    from .planning.plan import plan
    from .runtime.executable import Executable

    least = _least(call.operation.short_name)
    size = max(meta.size for meta in (*call.operands, *call.results) if meta is not None)
    if size < least:
        return Unsupported(f"takes calls of {least} elements and more")
    floating = [meta.dtype for meta in call.operands if meta is not None and meta.dtype.is_floating]
    if any(dtype is not floating[0] for dtype in floating):
        return Unsupported("takes floating operands of one dtype")
    graph = single(call.operation, call.operands, call.attributes, call.results)
    reason = refusal(graph.nodes[0])
    if reason is not None:
        return Unsupported(reason)
    executable = Executable(plan(graph))
    given = [place for place, meta in enumerate(call.operands) if meta is not None]
    if len(given) < len(call.operands):
        return _picking(executable, given, several=len(call.results) > 1)
    return executable if len(call.results) > 1 else lambda *inputs: executable(*inputs)[0]


def _least(name: str) -> int:
    """From how many elements on calls of an operation are taken.

    Raises: AttributeValueError where the variable's value is no number.
    """
    text = os.environ.get(VARIABLE, "").strip()
    if text and not (text.isascii() and text.isdigit()):
        raise AttributeValueError(f"{VARIABLE} is no number of elements", expected="a whole number", got=repr(text))
    return int(text) if text else OFFERED[name]


def _picking(executable: Callable[..., Any], given: Sequence[int], *, several: bool) -> Callable[..., Any]:
    """A kernel that gets None for operands left out."""

    def run(*inputs: Any) -> Any:
        results = executable(*[inputs[place] for place in given])
        return results if several else results[0]

    return run


PACKAGE = LlvmKernels()
