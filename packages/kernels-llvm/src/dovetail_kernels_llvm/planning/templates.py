"""Launches written once for all places where the same is computed: layers of a network differ in their buffers only.

A description (a cluster, a product with its epilogue, an operation with its views) is brought to a form in which
buffers are numbered in the order in which they appear. Equal forms share one template, whose launches are put on the
buffers of each place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from dovetail_protocols.records import replace

from ..kernels.kernel import Launch, Moving, View
from . import template_cache
from .context import Context
from .template_cache import Template

Allocate: TypeAlias = Callable[[str, tuple[int, ...]], View]
Write: TypeAlias = Callable[[Any, Allocate], Sequence[Launch]]

LIMIT = 4096
"""Templates that are kept; beyond, all are forgotten."""


_templates: dict[Any, Template] = {}


def launches(context: Context, key: Any, description: Any, write: Write) -> list[Launch]:
    """The launches that `write(description, allocate)` gives, from a template where there is one.

    `key` names what writes them; `description` is made of records, tuples, views and plain data, and all that `write`
    depends on is in one of the two.
    """
    places: dict[tuple[int, int], int] = {}

    def numbered(view: View) -> View:
        return replace(view, buffer=places.setdefault((view.buffer, view.offset), len(places)), offset=0)

    form = mapped(description, numbered)
    identity = key, context.isa.name, repr(form)  # by its text: 0.0 and -0.0, or 1 and True, are not the same
    template = _templates.get(identity)
    if template is None:
        if len(_templates) >= LIMIT:
            _templates.clear()
        template = template_cache.find(identity)
        if template is None:
            template = _write(form, len(places), write)
            template_cache.note(identity, template)
        _templates[identity] = template
    bases = [View(buffer, "int8", (), (), offset) for buffer, offset in places]
    bases += [context.allocate(dtype, shape) for dtype, shape in template.temporaries]

    def placed(view: View) -> View:
        base = bases[view.buffer]
        return replace(view, buffer=base.buffer, offset=base.offset + view.offset)

    return [
        replace(launch, arguments=tuple(mapped(argument, placed) for argument in launch.arguments))
        for launch in template.launches
    ]


def _write(form: Any, count: int, write: Write) -> Template:
    temporaries: list[tuple[str, tuple[int, ...]]] = []

    def allocate(dtype: str, shape: tuple[int, ...]) -> View:
        from ..kernels.kernel import c_strides

        temporaries.append((dtype, tuple(shape)))
        return View(count + len(temporaries) - 1, dtype, tuple(shape), c_strides(tuple(shape)))

    written = tuple(write(form, allocate))
    return Template(written, tuple(temporaries))


def mapped(thing: Any, change: Callable[[View], View]) -> Any:
    """Something made of records and tuples, with every view in it changed."""
    kind = type(thing)
    if kind is View:
        return change(thing)
    if kind is tuple:
        return tuple([mapped(one, change) for one in thing])
    if kind is Moving:
        return Moving(mapped(thing.start, change), thing.steps)
    fields = getattr(kind, "__record_fields__", None)
    if fields is None:
        return thing
    return kind(*[mapped(getattr(thing, name), change) for name in fields])
