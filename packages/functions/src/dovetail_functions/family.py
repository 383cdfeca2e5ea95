"""The traces of a function, by form of arguments, and which of them serves a call."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from . import patterns
from .arguments import Arguments
from .leaves import identities
from .patterns import Pattern
from .traces import FunctionTrace

if TYPE_CHECKING:
    from .function import Function


class Families:
    """Traces, those of one form together: their arguments differ in sizes only. The most specific come first."""

    def __init__(self) -> None:
        self._by_form: dict[Any, list[FunctionTrace]] = {}
        self._in_order: dict[FunctionTrace, None] = {}
        self._watched: dict[Any, list[weakref.ref[Any]]] = {}

    def traces(self) -> list[FunctionTrace]:
        """All of them, in the order in which they were made."""
        return list(self._in_order)

    def find(self, arguments: Arguments) -> tuple[FunctionTrace, tuple[int, ...]] | None:
        """The most specific trace that serves a call, and the values of its unknown sizes."""
        shapes: Any = arguments.shapes
        for trace in self._by_form.get(arguments.form, ()):
            unknown = trace.unknown_sizes(shapes)
            if unknown is not None:
                return trace, unknown
        return None

    def exact(self, arguments: Arguments, pattern: Pattern) -> FunctionTrace | None:
        """The latest trace of exactly that pattern."""
        traces = reversed(self._by_form.get(arguments.form, []))
        return next((trace for trace in traces if trace.pattern == pattern), None)

    def wider(self, arguments: Arguments, pattern: Pattern) -> Pattern:
        """The pattern that takes this one and all that were traced for this form."""
        for trace in self._by_form.get(arguments.form, ()):
            pattern = patterns.join(pattern, trace.pattern)
        return pattern

    def add(self, arguments: Arguments, trace: FunctionTrace, function: Function) -> None:
        """Keeps a trace, until an object that it was made for dies. One that holds values of interpreters around it is
        not kept: they end before the next call."""
        if trace.captures:
            return
        form = arguments.form
        self._by_form[form] = sorted([*self._by_form.get(form, ()), trace], key=lambda known: known.unknown_count)
        self._in_order[trace] = None
        if form not in self._watched:
            owner = weakref.ref(function)
            objects = [identity.reference() for key in form[1] for identity in identities(key)]
            self._watched[form] = [weakref.ref(one, lambda _: _drop(owner, form)) for one in objects if one is not None]

    def drop(self, form: Any) -> None:
        """Forgets the traces of a form."""
        self._watched.pop(form, None)
        for trace in self._by_form.pop(form, ()):
            self._in_order.pop(trace, None)


def _drop(owner: weakref.ref[Function], form: Any) -> None:
    function = owner()
    if function is not None:
        function._families.drop(form)
        function._quick.clear()
