"""How much a call has to do, whatever does it: bytes that must be read and written, and arithmetic where known."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from dovetail_protocols.kernels import CallMeta
from dovetail_protocols.metas import TensorMeta


@dataclass(frozen=True, slots=True)
class Work:
    """`size_bytes`: each operand read once and each result written once. `operations`: multiplications and additions,
    None where the table below doesn't have the operation."""

    size_bytes: int
    operations: int | None


def work_of(call: CallMeta) -> Work:
    """The work of a call, from its metas."""
    metas = [meta for meta in (*call.operands, *call.results) if meta is not None]
    counted = COUNTS.get(call.operation.name)
    operands = [meta for meta in call.operands if meta is not None]
    return Work(sum(meta.size_bytes for meta in metas), None if counted is None else counted(operands, call.results[0]))


def _matmul(operands: list[TensorMeta], result: TensorMeta) -> int:
    """2 · result · inner."""
    return 2 * result.size * operands[0].shape[-1]


def _conv(operands: list[TensorMeta], result: TensorMeta) -> int:
    """2 · result · window · channels in a group; the filter is (*window, channels in a group, channels out)."""
    return 2 * result.size * prod(operands[1].shape[:-1])


def _attention(operands: list[TensorMeta], result: TensorMeta) -> int:
    """2 · queries · keys · (size + value size) for each of the batch, without the softmax."""
    query, key, value = operands[:3]
    batch = prod(result.shape[:-2])
    return 2 * batch * query.shape[-2] * key.shape[-2] * (query.shape[-1] + value.shape[-1])


COUNTS = {
    "dovetail::matmul": _matmul,
    "dovetail::conv": _conv,
    "dovetail::scaled_dot_product_attention": _attention,
}
