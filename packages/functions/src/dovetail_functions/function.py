"""`function`: a Python function that is traced once for each signature, and afterwards runs as a graph."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from dovetail_protocols.dispatch import current
from dovetail_protocols.errors import TraceError
from dovetail_protocols.tracing import user_line

from . import patterns
from .arguments import Arguments, Convention, flatten_arguments
from .calls import Call, inline
from .execution.planning import plan
from .family import Family
from .methods import BoundFunctions
from .options import Options, functions_run_eagerly
from .passes.dead_code import remove_dead_code
from .patterns import Pattern
from .traces import FunctionTrace, trace_arguments

_tracing_lock = threading.RLock()  # one for all functions: they call one another while they are traced
_being_traced: ContextVar[tuple[tuple[int, Any], ...]] = ContextVar("dovetail_functions_being_traced", default=())


class Function:
    """A Python function that is traced once for each signature of its arguments, and then runs as a graph.

    Made by `function`. As an attribute of a class it is a method, with traces of its own for each instance.
    Safe to call from several threads; one of them traces at a time.
    """

    def __init__(self, python_function: Callable[..., Any], options: Options) -> None:
        functools.update_wrapper(self, python_function)
        self.python_function, self.options = python_function, options
        self.name = options.name or getattr(python_function, "__name__", type(python_function).__name__)
        self.tracing_count = 0
        self._convention = Convention(python_function)
        self._families: dict[Any, Family] = {}
        self._calls: dict[Any, Call] = {}
        self._bound = BoundFunctions(self)

    def __get__(self, instance: Any, owner: type | None = None) -> Function:
        return self if instance is None else self._bound.of(instance)

    def __repr__(self) -> str:
        return f"<function {self.name} with {len(self.traces)} traces>"

    @property
    def traces(self) -> list[FunctionTrace]:
        """Every trace, in no particular order."""
        return [trace for family in self._families.values() for trace in family.traces]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if functions_run_eagerly():
            return self.python_function(*args, **kwargs)
        arguments = self._arguments(args, kwargs)
        trace = self._trace_for(arguments)
        shapes = [array.shape for array in arguments.arrays]
        unknown: Any = trace.unknown_sizes(shapes)
        if current() is not None:
            return inline(trace, trace.specialized(unknown), arguments.arrays)
        return self._call(trace, unknown)(arguments.arrays)

    def _arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
        args, kwargs = self._convention.canonical(args, kwargs)
        return flatten_arguments(args, kwargs, self._convention.positional_names(len(args)))

    def _call(self, trace: FunctionTrace, unknown: Sequence[int]) -> Call:
        key = (trace, tuple(unknown))
        found = self._calls.get(key)
        if found is None:
            graph = remove_dead_code(trace.specialized(unknown))
            found = self._calls[key] = Call(trace, graph, *plan(graph))
        return found

    # ------------------------------------------------------------------ tracing

    def _trace_for(self, arguments: Arguments) -> FunctionTrace:
        """The most specific trace that serves a call; a new one where none does."""
        shapes = [array.shape for array in arguments.arrays]
        family = self._families.get(arguments.form)
        found = family and family.find(shapes)
        if found:
            return found
        with _tracing_lock:
            family = self._families.get(arguments.form) or Family()
            found = family.find(shapes)  # another thread may have traced it while this one waited
            return found or self._trace(arguments, family, self._pattern(family, shapes))

    def _pattern(self, family: Family, shapes: Sequence[Sequence[int]]) -> Pattern:
        pattern = patterns.exactly(shapes)
        return family.wider(pattern) if self.options.reduce_retracing else pattern

    def _trace(self, arguments: Arguments, family: Family, pattern: Pattern) -> FunctionTrace:
        shapes = [array.shape for array in arguments.arrays]
        hints = [int(size) for size in patterns.unknown_sizes(pattern, shapes) or ()]
        with self._recursion_guard(arguments.form):
            trace, _ = trace_arguments(
                self.python_function,
                arguments,
                pattern,
                hints,
                name=self.name,
                names=arguments.names(self._convention.positional_names(len(arguments.structure.child(0).children()))),
                may_create=self.tracing_count == 0,
            )
        self.tracing_count += 1
        family.add(trace)
        self._families[arguments.form] = family
        return trace

    @contextmanager
    def _recursion_guard(self, form: Any) -> Iterator[None]:
        key = (id(self), form)
        before = _being_traced.get()
        if key in before:
            raise TraceError(
                f"{self.name!r} calls itself while it is traced",
                where=user_line(),
                expected="a call that ends: a traced function has one graph, which can't contain itself",
                fix="write the repetition with while_loop, fori_loop or scan, or leave the inner function undecorated",
            )
        token = _being_traced.set((*before, key))
        try:
            yield
        finally:
            _being_traced.reset(token)
