"""The page as a whole: what the checkpoint is, where its bytes are, the object tree, values, and what differs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from ..diff import side_text
from ..inspect import signature_lines
from ..text import count_text, number_text, shape_text, size_text
from .differences import MARKS, differences_html, mark_of, told_of
from .markup import Part, folded, name, safe, stacked, table
from .style import STYLE
from .tree import Path, Row, grow, tree_html
from .values import Chart, chart_html

if TYPE_CHECKING:
    from dovetail_checkpointing import Comparison

_PARTS = 5
"""So many parts of a stacked bar are told apart; what is left is one more."""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page(
    document: Mapping[str, Any],
    charts: Sequence[Chart] = (),
    left_out: int = 0,
    compared: Comparison | None = None,
    other: str = "",
) -> str:
    """The page's HTML.

    `document`: what `inspect` tells of all of the checkpoint; `charts`: values of chosen tensors, of which `left_out`
    more are not drawn; `compared`: with the checkpoint `other`, this one being the first.
    """
    title = document["path"]
    body = [
        f"<h1>{name(title)}</h1>",
        f'<p class="soft">{_subtitle(document)}</p>',
        _facts(document),
        _where_bytes_are(document["tensors"]),
        _signatures(document),
        "" if compared is None else differences_html(compared, other, document["step"]),
        f"<h2>Objects</h2>{_tree(document, charts, compared)}",
        _values(charts, left_out, is_compared=compared is not None),
        _files(document),
    ]
    head = (
        f'<meta charset="utf-8"/><meta http-equiv="Content-Security-Policy" content="{_POLICY}"/>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
    )
    return (
        f'<!doctype html>\n<html lang="en">\n<head>{head}\n<title>{safe(title)}</title>\n'
        f"<style>{STYLE}</style></head>\n<body>\n" + "\n".join(filter(None, body)) + "\n</body>\n</html>\n"
    )


# ---------------------------------------------------------------------- overview


def _subtitle(document: Mapping[str, Any]) -> str:
    kind = {"program": "An exported program", "file": "A plain file of tensors"}.get(document["kind"], "A checkpoint")
    saved = f", saved {safe(document['saved'])} UTC" if document["saved"] else ""
    writer = f" by {safe(document['writer'])}" if document["writer"] else ""
    return f"{kind}{saved}{writer}"


def _facts(document: Mapping[str, Any]) -> str:
    elements = sum(prod(one["shape"]) for one in document["tensors"])
    facts = [
        ("step", "" if document["step"] is None else f"{document['step']:,}"),
        ("tensors", f"{len(document['tensors']):,}"),
        ("elements", f"{elements:,}"),
        ("bytes of tensors", size_text(document["tensor_bytes"])),
        ("scalars", f"{len(document['scalars']):,}" if document["scalars"] else ""),
        ("ties", f"{len(document['aliases']):,}" if document["aliases"] else ""),
        *((safe(title), safe(_metric(value))) for title, value in document["metrics"].items()),
    ]
    cells = "".join(f"<div><dt>{title}</dt><dd>{value}</dd></div>" for title, value in facts if value)
    return f'<dl class="facts">{cells}</dl>'


def _metric(value: Any) -> str:
    return number_text(value) if isinstance(value, float) else str(value)


def _where_bytes_are(tensors: Sequence[Mapping[str, Any]]) -> str:
    by_item: Counter[str] = Counter()
    by_dtype: Counter[str] = Counter()
    for one in tensors:
        by_item[str(one["path"][0]) if one["path"] else ""] += one["bytes"]
        by_dtype[one["dtype"]] += one["bytes"]
    bars = [
        f"<h3>{title}</h3>{stacked(_parts(sizes), title)}"
        for title, sizes in (("Bytes by item", by_item), ("Bytes by dtype", by_dtype))
        if sum(sizes.values()) and len(sizes) > 1
    ]
    return "".join(bars)


def _parts(sizes: Counter[str]) -> list[Part]:
    total = sum(sizes.values())
    largest = sizes.most_common()
    if len(largest) > _PARTS + 1:
        rest = sum(size for _, size in largest[_PARTS:])
        largest = [*largest[:_PARTS], (f"{len(largest) - _PARTS:,} others", rest)]
    return [
        Part(label, size, f"{size_text(size)}, {_percent(size / total)}", color)
        for color, (label, size) in enumerate(largest)
    ]


def _percent(share: float) -> str:
    if share < 0.001:
        return "under 0.1 %"
    return "over 99.9 %" if 0.999 < share < 1 else f"{100 * share:.1f} %"


def _signatures(document: Mapping[str, Any]) -> str:
    if "program" not in document:
        return ""
    lines = "".join(f"<li><code>{safe(line)}</code></li>" for line in signature_lines(document["program"]))
    return f"<h2>Signatures and files</h2><ul>{lines}</ul>"


# ---------------------------------------------------------------------- tree, values, files


def _tree(document: Mapping[str, Any], charts: Sequence[Chart], compared: Comparison | None) -> str:
    anchors = {chart.path: chart.anchor for chart in charts}
    rows: dict[Path, Row] = {
        tuple(one["path"]): Row(
            one["dtype"], shape_text(one["shape"]), one["bytes"], anchor=anchors.get(tuple(one["path"]), "")
        )
        for one in document["tensors"]
    }
    for one in document["aliases"]:
        rows[tuple(one["path"])] = Row("tied", f"= {name(one['of'])}", is_tensor=False)
    for one in document["scalars"]:
        rows[tuple(one["path"])] = Row(one["type"], safe(one["shown"]), is_tensor=False)
    for difference in compared.tensors if compared else ():
        row = rows.get(difference.path)
        if row is None and difference.second is not None:
            info = difference.second
            row = rows[difference.path] = Row(info.dtype, shape_text(info.shape), is_tensor=False)
        if row is not None:
            row.mark, row.told = mark_of(difference), told_of(difference)
    for path, (_, second) in compared.scalars.items() if compared else ():
        if path in rows:
            rows[path].told = f"was {safe(side_text(second))}"
    if not rows:
        return '<p class="soft">Nothing is in it.</p>'
    return tree_html(grow(rows), MARKS if compared else {})


def _values(charts: Sequence[Chart], left_out: int, *, is_compared: bool) -> str:
    if not charts:
        return ""
    note = f"<p>{count_text(left_out, 'tensor')} more match, and are not drawn.</p>" if left_out else ""
    shares = "Heights are shares of the finite elements"
    told = f"{shares}; the outline is the other checkpoint's." if is_compared else f"{shares}."
    cards = "".join(chart_html(chart, is_compared=is_compared) for chart in charts)
    return f'<h2>Values</h2><p class="soft">{told}</p>{note}<div class="cards">{cards}</div>'


def _files(document: Mapping[str, Any]) -> str:
    rows = [
        (safe(one["name"]), size_text(one["bytes"]), f"<code>{safe(one['sha256'] or 'none')}</code>")
        for one in document["files"]
    ]
    digest = ""
    if document["digest"]:
        digest = f'<p class="digest">Digest of the checkpoint: <code>{safe(document["digest"])}</code></p>'
    return f"<h2>Files</h2>{digest}{folded(count_text(len(rows), 'file'), table(('file', 'bytes', 'SHA-256'), rows))}"
