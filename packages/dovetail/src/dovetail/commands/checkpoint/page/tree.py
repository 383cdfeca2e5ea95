"""The object tree: a row for each tensor, scalar and tie below the objects that they belong to, folded where there are
many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..text import ROOT, count_text, size_text
from .markup import name, safe

Path = tuple[str | int, ...]
_ROWS_AT_FIRST = 40
"""So many rows are seen before anything is opened, about."""
_LONGEST_LABEL = 96


@dataclass(slots=True)
class Row:
    """A leaf of the tree; `mark`: how it differs, `told`: in words, `anchor`: where its values are drawn."""

    dtype: str
    shape: str
    size_bytes: int | None = None
    is_tensor: bool = True
    mark: str = ""
    told: str = ""
    anchor: str = ""


@dataclass(slots=True, eq=False)
class Node:
    """An object of the tree, with all that is below it counted."""

    label: str
    row: Row | None = None
    children: dict[str | int, Node] = field(default_factory=dict)
    size_bytes: int = 0
    tensors: int = 0
    rows: int = 0
    marks: Counter[str] = field(default_factory=Counter)


def grow(rows: dict[Path, Row]) -> Node:
    """The tree of rows by their paths."""
    root = Node("")
    for path, row in rows.items():
        node = root
        _count(node, row)
        for part in path:
            node = node.children.setdefault(part, Node(str(part)))
            _count(node, row)
        node.row = row
    return root


def _count(node: Node, row: Row) -> None:
    node.size_bytes += row.size_bytes or 0
    node.tensors += row.is_tensor
    node.rows += 1
    if row.mark:
        node.marks[row.mark] += 1


def tree_html(root: Node, marks: dict[str, str]) -> str:
    """The tree. `marks`: what each mark reads; with any, there is a column of what differs."""
    titles = ["name", "dtype", "shape", "bytes", "share", *(["difference"] if marks else [])]
    head = "".join(f"<span>{title}</span>" for title in titles)
    kind = "tree marked" if marks else "tree"
    return f'<div class="{kind}"><div class="row head">{head}</div>{"".join(_rendered(root, marks))}</div>'


def _rendered(root: Node, marks: dict[str, str]) -> Iterator[str]:
    """Without recursion: a stranger's tree may be deeper than Python's stack."""
    opened = _opened(root)
    if root.row is not None:
        yield _leaf(ROOT, root.row, root.size_bytes, marks)
    waiting: list[str | tuple[Node, int]] = [(child, root.size_bytes) for child in reversed(root.children.values())]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
            continue
        node, of_bytes = one
        if node.row is not None:
            yield _leaf(node.label, node.row, of_bytes, marks)
        if not node.children:
            continue
        label, inner = _joined(node)
        state = ' open="open"' if node in opened else ""
        yield f"<details{state}><summary>{_group(label, inner, of_bytes, marks)}</summary><div>"
        waiting.append("</div></details>")
        waiting += [(child, inner.size_bytes) for child in reversed(inner.children.values())]


def _joined(node: Node) -> tuple[str, Node]:
    """A chain of objects with nothing but one object in each, as one: "model/encoder"."""
    label = node.label
    while len(node.children) == 1:
        (child,) = node.children.values()
        if child.row is not None or not child.children or len(label) > _LONGEST_LABEL:
            break
        node = child
        label += f"/{child.label}"
    return label, node


def _opened(root: Node) -> set[Node]:
    """The objects that are open at first, as long as not too many rows are seen: of the outermost those that are small,
    of the others all at one depth or none, so that what is alike looks alike."""
    opened: set[Node] = set()
    seen = len(root.children)
    level = [node for node in root.children.values() if node.children]
    while level:
        inside = {node: _joined(node)[1].children for node in level}
        if level[0] in root.children.values():
            level = [node for node in level if seen + len(inside[node]) <= _ROWS_AT_FIRST]
        rows = sum(len(inside[node]) for node in level)
        if seen + rows > _ROWS_AT_FIRST:
            break
        seen += rows
        opened.update(level)
        level = [child for node in level for child in inside[node].values() if child.children]
    return opened


def _group(label: str, node: Node, of_bytes: int, marks: dict[str, str]) -> str:
    differs = ", ".join(f"{count:,} {safe(marks[mark])}" for mark, count in node.marks.items())
    many = count_text(node.tensors, "tensor") if node.tensors else count_text(node.rows, "entry", "entries")
    cells = [
        f'<span class="n">{name(label)}</span>',
        f'<span class="many">{many}</span>',
        _size(node.size_bytes if node.tensors else None),
        _share(node.size_bytes, of_bytes),
    ]
    return _row(cells, f'<span class="d">{differs}</span>' if marks else "", "group")


def _leaf(label: str, row: Row, of_bytes: int, marks: dict[str, str]) -> str:
    shown = name(label)
    if row.anchor:
        shown = f'<a href="#{row.anchor}">{shown}</a>'
    cells = [
        f'<span class="n">{shown}</span><span>{safe(row.dtype)}</span><span class="s">{row.shape}</span>',
        _size(row.size_bytes),
        _share(row.size_bytes, of_bytes),
    ]
    told = row.told or safe(marks.get(row.mark, ""))
    chip = f'<span class="d">{told}</span>' if marks else ""
    return _row(cells, chip, row.mark)


def _row(cells: list[str], difference: str, kind: str) -> str:
    return f'<div class="{f"row {kind}".rstrip()}">{"".join(cells)}{difference}</div>'


def _size(size_bytes: int | None) -> str:
    return f'<span class="b">{"" if size_bytes is None else size_text(size_bytes)}</span>'


def _share(size_bytes: int | None, of_bytes: int) -> str:
    if not size_bytes or not of_bytes:
        return "<span></span>"
    share = size_bytes / of_bytes
    told = f"{100 * share:.1f} % of what it is in"
    return f'<span class="bar" title="{told}"><span style="width:{100 * share:.3g}%"></span></span>'
