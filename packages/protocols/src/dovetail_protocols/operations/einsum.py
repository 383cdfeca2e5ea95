"""Einstein summation: products and sums over axes named by letters."""

from __future__ import annotations

from ..errors import AttributeValueError, ShapeError
from ..metas import TensorMeta
from ..operation import composite
from .contraction import Plan, execute, plan
from .manipulation import moveaxis, permute_dims, reshape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from .annotations import Numeric
    from .contraction import Term


def read_subscripts(subscripts: str, ranks: Sequence[int]) -> tuple[list[Term], Term]:
    """The labels of each operand's axes and of the result's; an ellipsis becomes labels "…1", "…2", from the right.

    Without "->" the result has the ellipsis, then the letters that occur once, in alphabetic order.

    Raises: AttributeValueError for a text that isn't of this form or doesn't fit the number of operands; ShapeError
    where an operand's rank doesn't fit.
    """
    if not isinstance(subscripts, str):
        raise _unreadable(subscripts, "a text")
    text = subscripts.replace(" ", "")
    left, arrow, right = text.partition("->")
    parts = left.split(",")
    if len(parts) != len(ranks):
        raise _unreadable(subscripts, f"one group of letters for each of {len(ranks)} operands")
    terms = [_term(part, rank, place, subscripts) for place, (part, rank) in enumerate(zip(parts, ranks, strict=True))]
    spread = max((label for term in terms for label in term if label[0] == "…"), key=_distance, default=None)
    ellipsis = tuple(f"…{place}" for place in range(_distance(spread), 0, -1)) if spread else ()
    counts: dict[str, int] = {}
    for label in (label for term in terms for label in term if label[0] != "…"):
        counts[label] = counts.get(label, 0) + 1
    if not arrow:
        return terms, ellipsis + tuple(sorted(label for label, count in counts.items() if count == 1))
    output = _explicit_output(right, ellipsis, subscripts)
    letters = [label for label in output if label[0] != "…"]
    if len(set(letters)) != len(letters) or not set(letters) <= set(counts):
        raise _unreadable(subscripts, "after -> each letter once, and only letters that an operand has")
    return terms, output


def _distance(label: str) -> int:
    return int(label[1:])


def _split_ellipsis(part: str, subscripts: str) -> tuple[str, bool, str]:
    before, dots, after = part.partition("...")
    if not all(letter.isalpha() for letter in before + after):
        raise _unreadable(subscripts, "letters, and at most one ellipsis in each group")
    return before, bool(dots), after


def _term(part: str, rank: int, place: int, subscripts: str) -> Term:
    before, has_ellipsis, after = _split_ellipsis(part, subscripts)
    spread = rank - len(before) - len(after)
    if spread < 0 or (spread and not has_ellipsis):
        raise ShapeError(
            f"einsum: operand {place} has {rank} axes",
            where=f"einsum, operand {place}",
            expected=f"{len(before) + len(after)} axes{' or more' if has_ellipsis else ''}, for {part!r}",
            got=f"{rank}",
        )
    return (*before, *(f"…{number}" for number in range(spread, 0, -1)), *after)


def _explicit_output(right: str, ellipsis: Term, subscripts: str) -> Term:
    before, has_ellipsis, after = _split_ellipsis(right, subscripts)
    if ellipsis and not has_ellipsis:
        raise _unreadable(subscripts, "an ellipsis after -> too: axes that broadcast are never summed")
    return (*before, *ellipsis, *after)


def _unreadable(subscripts: object, expected: str) -> AttributeValueError:
    return AttributeValueError(
        f"einsum: can't read {subscripts!r}",
        where="einsum, subscripts",
        expected=expected,
        got=repr(subscripts),
        fix="write one group of letters for each operand, as in 'bij,bjk->bik'",
    )


def label_sizes(terms: Sequence[Term], shapes: Sequence[tuple[int, ...]]) -> dict[str, int]:
    """The size of each label; a size of 1 broadcasts.

    Raises: ShapeError where two operands disagree, or one of them repeats a label on axes that differ.
    """
    sizes: dict[str, int] = {}
    for place, (term, shape) in enumerate(zip(terms, shapes, strict=True)):
        own: dict[str, int] = {}
        for label, size in zip(term, shape, strict=True):
            if own.setdefault(label, size) != size:
                raise _disagreement(label, place, own[label], size)
        for label, size in own.items():
            known = sizes.get(label, 1)
            if known == 1:
                sizes[label] = size
            elif size != 1 and size != known:
                raise _disagreement(label, place, known, size)
    return sizes


def _disagreement(label: str, place: int, expected: int, got: int) -> ShapeError:
    return ShapeError(
        f"einsum: axes labelled {label!r} differ in size", where=f"einsum, operand {place}", expected=expected, got=got
    )


def einsum_plan(subscripts: str, shapes: Sequence[tuple[int, ...]]) -> Plan:
    """The products and sums that an einsum of operands of some shapes comes to."""
    terms, output = read_subscripts(subscripts, [len(shape) for shape in shapes])
    return plan(terms, output, label_sizes(terms, shapes), shapes)


class _Operations:
    """The algebra of `contraction.execute` in operations."""

    def diagonal(self, x: Any, axis1: int, axis2: int) -> Any:
        from .linear_algebra import diagonal

        return diagonal(moveaxis(x, source=(axis1, axis2), destination=(-2, -1)))

    def reshape(self, x: Any, shape: tuple[int, ...]) -> Any:
        return x if x.shape == shape else reshape(x, shape=shape)

    def permute(self, x: Any, axes: tuple[int, ...]) -> Any:
        return permute_dims(x, axes=axes)

    def sum(self, x: Any, axes: tuple[int, ...]) -> Any:
        from .reductions import sum

        return sum(x, axis=axes)

    def multiply(self, left: Any, right: Any) -> Any:
        from .arithmetic import multiply

        return multiply(left, right)

    def matmul(self, left: Any, right: Any) -> Any:
        from .linear_algebra import matmul

        return matmul(left, right)


def _infer_einsum(*operands: TensorMeta, subscripts: str) -> TensorMeta:
    if not operands:
        raise ShapeError("einsum: no operands are given", expected="at least one", got="none")
    shapes = [operand.shape for operand in operands]
    terms, output = read_subscripts(subscripts, [len(shape) for shape in shapes])
    sizes = label_sizes(terms, shapes)
    return TensorMeta(tuple(sizes[label] for label in output), operands[0].dtype, operands[0].device)


@composite(version=1, infer=_infer_einsum)
def einsum(*operands: Numeric, subscripts: str) -> Numeric:
    """The product of all operands, summed over the labels that the result lacks: "ij,jk->ik" is a matrix product.

    A group of letters names the axes of each operand. An ellipsis stands for further axes, which broadcast from the
    right. A letter twice in one group takes the diagonal. Without "->" the result has the letters that occur once, in
    alphabetic order. Operands are multiplied two at a time, in the order that keeps intermediate results small.

    Raises: AttributeValueError for subscripts that can't be read, ShapeError for operands that don't fit them.
    Source: NumPy, einsum.
    """
    return execute(einsum_plan(subscripts, [operand.shape for operand in operands]), operands, _Operations())
