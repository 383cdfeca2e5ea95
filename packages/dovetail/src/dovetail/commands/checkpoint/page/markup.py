"""Pieces of HTML. Whatever a stranger wrote goes through `safe` or `name`: it is text, never markup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from ..text import plain


def safe(text: str) -> str:
    """Text of a page: markup is escaped, and what can't be seen is shown as an escape."""
    return escape(plain(text), quote=True)


def name(text: str) -> str:
    """A name, whose direction of writing turns nothing around it. An empty one can be seen."""
    return f"<bdi>{safe(text)}</bdi>" if text else '<bdi class="soft">(empty)</bdi>'


def table(titles: Sequence[str], rows: Sequence[Sequence[str]], *, text_columns: int = 1) -> str:
    """A table of cells that are HTML already; all columns but the first `text_columns` are numbers."""
    if not rows:
        return ""
    head = "".join(f"<th{_kind(column, text_columns)}>{title}</th>" for column, title in enumerate(titles))
    body = "".join(
        "<tr>" + "".join(f"<td{_kind(column, text_columns)}>{cell}</td>" for column, cell in enumerate(row)) + "</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _kind(column: int, text_columns: int) -> str:
    return ' class="t"' if column < text_columns else ""


def folded(title: str, contents: str, *, is_open: bool = False) -> str:
    """Contents below a title that opens and closes; nothing where there are none."""
    if not contents:
        return ""
    state = ' open="open"' if is_open else ""
    return f'<details class="fold"{state}><summary>{title}</summary>{contents}</details>'


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a bar: its label, and what is said of it as HTML; `color`: one of six."""

    label: str
    size: int
    told: str
    color: int


def stacked(parts: Sequence[Part], described: str) -> str:
    """A bar of parts, and a legend below it; parts of no size are left out."""
    shown = [part for part in parts if part.size]
    if not shown:
        return ""
    bar = "".join(
        f'<span class="c{part.color}" style="flex-grow:{part.size}" title="{safe(part.label)}: {part.told}"></span>'
        for part in shown
    )
    legend = "".join(
        f'<li><span class="key c{part.color}"></span>{name(part.label)} <span class="soft">{part.told}</span></li>'
        for part in shown
    )
    return f'<div class="stack" role="img" aria-label="{described}">{bar}</div><ul class="legend">{legend}</ul>'
