"""How a checkpoint differs from another, as a part of its page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..diff import name_of, said, side_text
from ..text import count_text, number_text, shape_text
from .markup import Part, folded, name, safe, stacked, table

if TYPE_CHECKING:
    from dovetail_checkpointing import Comparison, TensorDifference, TensorInfo

MARKS = {"new": "only here", "gone": "only in the other", "other": "other shape or dtype", "changed": "changed"}
_SHOWN = 25
_TITLES = (
    "tensor",
    "elements that differ",
    "largest difference",
    "relative to the larger",
    "on average",
    "NaN here, in the other",
)
_KINDS = {
    "scalars": "scalars",
    "metrics": "metrics",
    "aliases": "ties",
    "containers": "containers",
    "items": "versions of items",
}


def mark_of(difference: TensorDifference) -> str:
    """The mark of a tensor that differs, the page's checkpoint being the first."""
    if difference.second is None:
        return "new"
    if difference.first is None:
        return "gone"
    return "other" if difference.values is None else "changed"


def told_of(difference: TensorDifference) -> str:
    """What the tree says of a tensor that differs, as HTML."""
    if difference.first is not None and difference.second is not None and difference.values is None:
        return f"was {_described(difference.second)}"
    if difference.values is not None:
        return f"{_percent(difference)} differ, by {number_text(difference.values.max_absolute)}"
    return MARKS[mark_of(difference)]


def differences_html(compared: Comparison, other: str, step: int | None) -> str:
    """The part of the page on all that differs."""
    counts = [
        ("the same", compared.same, 0),
        (MARKS["changed"], len(compared.changed), 1),
        (MARKS["other"], len(compared.redescribed), 3),
        (MARKS["new"], len(compared.only_first), 2),
        (MARKS["gone"], len(compared.only_second), 5),
    ]
    parts = [Part(label, count, count_text(count, "tensor"), color) for label, count, color in counts]
    steps = "" if compared.step is None else f" This is step {compared.step[0]}, the other step {compared.step[1]}."
    if compared.is_same:
        steps = " Nothing differs."
    return (
        f'<h2 id="difference">Difference</h2><p>Compared with <code>{name(other)}</code>.{steps}</p>'
        f"{stacked(parts, 'How many tensors differ')}{_changed(compared)}{_redescribed(compared.redescribed)}"
        f"{_only('Only here', compared.only_first)}{_only('Only in the other', compared.only_second)}{_said(compared)}"
    )


def _changed(compared: Comparison) -> str:
    ordered = sorted(compared.changed, key=lambda one: -(one.values.max_absolute if one.values else 0))
    rows = [_changed_row(one) for one in ordered]
    first = table(_TITLES, rows[:_SHOWN])
    if not rows:
        return ""
    rest = folded(f"{len(rows) - _SHOWN:,} more that differ less", table(_TITLES, rows[_SHOWN:]))
    return f"<h3>Changed values</h3>{first}{rest}"


def _changed_row(difference: TensorDifference) -> Sequence[str]:
    values = difference.values
    assert values is not None, "only tensors whose values were compared are changed"
    return (
        name(name_of(difference.path)),
        f'{_percent(difference)} <span class="soft">of {values.elements:,}</span>',
        number_text(values.max_absolute),
        number_text(values.max_relative),
        number_text(values.mean_absolute),
        f"{values.nans[0]:,}, {values.nans[1]:,}" if any(values.nans) else "–",
    )


def _percent(difference: TensorDifference) -> str:
    values = difference.values
    share = values.changed / values.elements if values else 0.0
    return "under 1 %" if 0 < share < 0.01 else f"{int(100 * share)} %"


def _redescribed(differences: Sequence[TensorDifference]) -> str:
    rows = [(name(name_of(one.path)), _described(one.first), _described(one.second)) for one in differences]
    return _listed("Another shape or dtype", ("tensor", "here", "in the other"), rows, text_columns=3)


def _only(title: str, differences: Sequence[TensorDifference]) -> str:
    rows = [(name(name_of(one.path)), _described(one.first or one.second)) for one in differences]
    return _listed(title, ("tensor", "what it is"), rows, text_columns=2)


def _said(compared: Comparison) -> str:
    parts = []
    for kind, entries in said(compared).items():
        rows = [(name(name_of(key)), *(safe(side_text(side)) for side in sides)) for key, sides in entries.items()]
        parts.append(_listed(f"Other {_KINDS[kind]}", ("", "here", "in the other"), rows, text_columns=3))
    return "".join(parts)


def _listed(title: str, titles: Sequence[str], rows: Sequence[Sequence[str]], *, text_columns: int) -> str:
    if len(rows) <= _SHOWN:
        contents = table(titles, rows, text_columns=text_columns)
        return f"<h3>{title}</h3>{contents}" if rows else ""
    return folded(f"{title}: {len(rows):,}", table(titles, rows, text_columns=text_columns))


def _described(info: TensorInfo | Any) -> str:
    return f"{safe(info.dtype)}, {shape_text(info.shape)}" if info is not None else "–"
