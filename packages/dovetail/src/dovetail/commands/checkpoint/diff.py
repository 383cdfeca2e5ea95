"""Compare two checkpoints: tensors, their values, scalars, metrics. Values are read in parts, so memory stays small."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ..table import table
from .json_output import print_json, scalar_document
from .opening import compare, opened
from .places import find_one
from .progress import Progress
from .text import ROOT, count_text, number_text, plain, shape_text, value_text

if TYPE_CHECKING:
    from dovetail_checkpointing import Comparison, TensorDifference, TensorInfo

TITLES = ("changed", "elements", "max |a-b|", "max relative", "mean |a-b|", "NaN in a, b")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("first", metavar="A", help="a checkpoint, an exported program, or a .safetensors file")
    parser.add_argument("second", metavar="B", help="another one")
    parser.add_argument("--no-values", action="store_true", help="compare names, shapes, dtypes and scalars only")


def run(options: argparse.Namespace) -> int:
    """0 where nothing differs, 1 where something does."""
    found = [find_one(options.first), find_one(options.second)]
    with ExitStack() as closing, Progress("comparing") as progress:
        one, other = (closing.enter_context(opened(place)) for place in found)
        compared = compare(one, other, values=not options.no_values, progress=progress.update)
    if options.json:
        print_json(document_of(compared, options.first, options.second))
    else:
        print("\n".join(_lines(compared, options.first, options.second)))
        if any(one.kind == "file" for one in found):
            print("only tensors were compared: a plain file holds nothing else")
    return 0 if compared.is_same else 1


# ---------------------------------------------------------------------- JSON


def document_of(compared: Comparison, first: str, second: str) -> dict[str, Any]:
    """A comparison as JSON. Where a side lacks something, it is null."""
    return {
        "format": "dovetail.checkpoint-diff",
        "a": first,
        "b": second,
        "same": compared.is_same,
        "same_tensors": compared.same,
        "values_compared": compared.compares_values,
        "only_in_a": [_side(one, one.first) for one in compared.only_first],
        "only_in_b": [_side(one, one.second) for one in compared.only_second],
        "redescribed": [{**_named(one), "a": _info(one.first), "b": _info(one.second)} for one in compared.redescribed],
        "changed": [
            {**_named(one), **_info(one.first), **asdict(one.values)} for one in compared.changed if one.values
        ],
        "step": compared.step and list(compared.step),
        **{kind: [_pair(*entry) for entry in entries.items()] for kind, entries in said(compared).items()},
    }


def _named(difference: TensorDifference) -> dict[str, Any]:
    from dovetail_checkpointing.object_tree import shown

    return {"name": shown(difference.path), "path": list(difference.path)}


def _side(difference: TensorDifference, info: TensorInfo | None) -> dict[str, Any]:
    return {**_named(difference), **_info(info)}


def _info(info: TensorInfo | None) -> dict[str, Any]:
    return {} if info is None else {"dtype": info.dtype, "shape": list(info.shape), "bytes": info.size_bytes}


def _pair(key: Any, sides: tuple[Any, Any]) -> dict[str, Any]:
    from dovetail_checkpointing import ABSENT

    a, b = (None if side is ABSENT else scalar_document(_shown_side(side)) for side in sides)
    return {"name": name_of(key), "a": a, "b": b}


def said(compared: Comparison) -> dict[str, Mapping[Any, tuple[Any, Any]]]:
    """What differs beside tensors, by kind."""
    return {
        "scalars": compared.scalars,
        "metrics": compared.metrics,
        "aliases": compared.aliases,
        "containers": compared.containers,
        "items": compared.items,
    }


def name_of(key: Any) -> str:
    """A path or name for a reader."""
    from dovetail_checkpointing.object_tree import shown

    return (shown(key) if key else ROOT) if isinstance(key, tuple) else str(key)


def _shown_side(side: Any) -> Any:
    """A side as a scalar: the target of an alias is a path."""
    return name_of(side) if isinstance(side, tuple) else side


# ---------------------------------------------------------------------- text

_KINDS = {
    "scalars": "scalar",
    "metrics": "metric",
    "aliases": "tied path",
    "containers": "container",
    "items": "version of item",
}


def _lines(compared: Comparison, first: str, second: str) -> Iterator[str]:
    yield f"a: {plain(first)}"
    yield f"b: {plain(second)}"
    if compared.step:
        yield f"step: {compared.step[0]} in a, {compared.step[1]} in b"
    for letter, differences in (("a", compared.only_first), ("b", compared.only_second)):
        if differences:
            only = [_described(one.path, one.first or one.second) for one in differences]
            yield "\n" + table((f"only in {letter}", "dtype", "shape"), only)
    if compared.redescribed:
        titles = ("other shape or dtype", "dtype in a", "shape in a", "dtype in b", "shape in b")
        yield "\n" + table(titles, [_redescribed(one) for one in compared.redescribed])
    if compared.changed:
        yield "\n" + table(("other values", *TITLES), [_changed(one) for one in compared.changed], right=range(1, 7))
    for kind, entries in said(compared).items():
        if entries:
            rest = [(plain(name_of(key)), *map(side_text, sides)) for key, sides in entries.items()]
            yield "\n" + table((_KINDS[kind], "in a", "in b"), rest)
    yield f"\n{summary(compared)}"


def summary(compared: Comparison) -> str:
    """How many tensors differ in which way, in one line."""
    counts = [
        (len(compared.only_first), "only in a"),
        (len(compared.only_second), "only in b"),
        (len(compared.redescribed), "of another shape or dtype"),
        (len(compared.changed), "with other values"),
    ]
    told = [f"{count:,} {text}" for count, text in counts if count]
    same = "the same" if compared.compares_values else "of the same shape and dtype (values were not compared)"
    if compared.is_same:
        return f"nothing differs: {count_text(compared.same, 'tensor')} {same}"
    return "tensors: " + ", ".join([*told, f"{compared.same:,} {same}"])


def _described(path: Any, info: TensorInfo | None) -> tuple[str, str, str]:
    if info is None:
        return plain(name_of(path)), "–", "–"
    return plain(name_of(path)), info.dtype, shape_text(info.shape)


def _redescribed(difference: TensorDifference) -> tuple[str, ...]:
    first, second = (_described(difference.path, info) for info in (difference.first, difference.second))
    return (*first, *second[1:])


def _changed(difference: TensorDifference) -> tuple[str, ...]:
    values = difference.values
    if values is None:
        return (plain(name_of(difference.path)), *("–" for _ in TITLES))
    return (
        plain(name_of(difference.path)),
        f"{values.changed:,}",
        f"{values.elements:,}",
        number_text(values.max_absolute),
        number_text(values.max_relative),
        number_text(values.mean_absolute),
        f"{values.nans[0]:,}, {values.nans[1]:,}" if any(values.nans) else "–",
    )


def side_text(side: Any) -> str:
    """One side of what differs, on one line; a dash where it lacks it."""
    from dovetail_checkpointing import ABSENT

    if isinstance(side, tuple):
        return plain(name_of(side))
    return "–" if side is ABSENT else value_text(side)
