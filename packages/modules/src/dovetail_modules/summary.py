"""What a model consists of: layers, their output shapes, parameters and bytes, as data and as a table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any

from dovetail_protocols.arrays import provider

from .discovery import leaves, own_attributes, variables_of, walk
from .layers.layer import Layer
from .module import Module


@dataclass(frozen=True)
class Row:
    """One layer: its object path, its class, the shapes that it gave, its own variables counted and weighed."""

    path: str
    kind: str
    output_shape: tuple[Any, ...] | None
    parameters: int
    trainable_parameters: int
    size_bytes: int


@dataclass(frozen=True)
class Summary:
    """Rows in the order in which the model's modules are met; totals count shared variables once."""

    rows: tuple[Row, ...]
    parameters: int
    trainable_parameters: int
    size_bytes: int

    def __str__(self) -> str:
        return _plain(self)

    def __rich__(self) -> Any:
        return _rich(self)

    def show(self) -> None:
        """Prints the table: by rich where it is installed, else in plain columns."""
        try:
            from rich.console import Console
        except ModuleNotFoundError:
            print(self)
        else:
            Console().print(_rich(self))


def summary(model: Module, *example: Any, **options: Any) -> Summary:
    """What a model consists of. With example inputs it is called once, as for inference, so that deferred layers are
    built and shapes known.
    """
    shapes: dict[int, Any] = {}
    if example:
        with _recording(shapes):
            model(*example, **options)  # type: ignore[operator]  # whatever has a forward pass can be summarized
    paths = {id(module): path for path, module in _modules(model)}
    rows = tuple(_row(path, module, shapes.get(id(module))) for path, module in _modules(model))
    variables = model.variables
    return Summary(
        tuple(row for row in rows if row.parameters or row.output_shape is not None or row.path == paths[id(model)]),
        _count(variables),
        _count([variable for variable in variables if variable.trainable]),
        sum(variable.meta.size_bytes for variable in variables),
    )


def _modules(model: Module) -> Iterator[tuple[str, Module]]:
    yield "", model
    for path, leaf in walk(model, lambda value: isinstance(value, Module)):
        if isinstance(leaf, Module):
            yield "/".join(map(str, path)), leaf


def _row(path: str, module: Module, shape: Any) -> Row:
    own = {
        id(variable): variable
        for name, value in own_attributes(module)
        for _, leaf in leaves(value, (name,), module)
        for _, variable in variables_of(leaf, lambda value: isinstance(value, Module))
    }
    trainable = [variable for variable in own.values() if variable.trainable]
    size = sum(variable.meta.size_bytes for variable in own.values())
    return Row(path or module.name, type(module).__name__, shape, _count(own.values()), _count(trainable), size)


def _count(variables: Any) -> int:
    return sum(prod(variable.meta.shape) for variable in variables)


@contextmanager
def _recording(shapes: dict[int, Any]) -> Iterator[None]:
    """Notes the result's shape of every layer that is called in the body of the `with`."""

    def note(layer: Layer, result: Any) -> None:
        if provider().is_array(result):
            shapes[id(layer)] = tuple(result.shape)
        elif isinstance(result, tuple):
            shapes[id(layer)] = tuple(tuple(item.shape) for item in result if provider().is_array(item))

    with Layer.observing(note):
        yield


TITLES = ("layer", "kind", "output shape", "parameters", "bytes")


def _cells(summary: Summary) -> list[tuple[str, ...]]:
    return [
        (
            row.path,
            row.kind,
            "" if row.output_shape is None else str(row.output_shape),
            f"{row.parameters:,}" if row.parameters else "",
            f"{row.size_bytes:,}" if row.size_bytes else "",
        )
        for row in summary.rows
    ]


def _total(summary: Summary) -> str:
    fixed = summary.parameters - summary.trainable_parameters
    return (
        f"{summary.parameters:,} parameters, {summary.trainable_parameters:,} trainable, {fixed:,} not; "
        f"{summary.size_bytes:,} bytes"
    )


def _plain(summary: Summary) -> str:
    rows = [TITLES, *_cells(summary)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(TITLES))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join([*lines, _total(summary)])


def _rich(summary: Summary) -> Any:
    from rich.table import Table

    table = Table(caption=_total(summary))
    for title in TITLES:
        table.add_column(title, justify="right" if title in ("parameters", "bytes") else "left")
    for row in _cells(summary):
        table.add_row(*row)
    return table
