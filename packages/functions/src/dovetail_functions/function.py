"""`Function`: a Python function that is traced once for each signature, and afterwards runs as a graph."""

from __future__ import annotations

import copy
import functools
import sys
import weakref
from collections.abc import Callable
from typing import Any

from dovetail_protocols import selection
from dovetail_protocols.dispatch import current
from dovetail_protocols.functions import ExportedFunction
from dovetail_protocols.graph import Graph

from . import listing, patterns, recursion
from .arguments import Arguments, flatten_arguments
from .calls import Call, inline
from .concrete import ConcreteFunction
from .convention import Convention
from .execution.planning import Planner
from .explanation import Explanation
from .exporting import exported
from .family import Families
from .input_signature import InputSignature
from .methods import BoundFunctions
from .options import Options, functions_run_eagerly
from .passes import simplify
from .patterns import Pattern
from .quick import LIMIT, QuickCall, Written, key_of_values, quick_call
from .traces import FunctionTrace, one_at_a_time, store, trace_arguments

_functions: weakref.WeakSet[Function] = weakref.WeakSet()


class Function:
    """A Python function that is traced once for each signature of its arguments, and then runs as a graph.

    Made by `function`. As an attribute of a class it is a method, with traces of its own for each instance.
    `tracing_count` says how many traces were made. Safe to call from several threads; one of them traces at a time.
    """

    def __init__(self, python_function: Callable[..., Any], options: Options) -> None:
        functools.update_wrapper(self, python_function, updated=())
        self.python_function, self.options = python_function, options
        self._convention = Convention(python_function)
        self.name = options.name or self._convention.name
        self.tracing_count = 0
        given = options.input_signature
        self.input_signature = None if given is None else InputSignature(given, self.name)
        self._families = Families()
        self._quick: dict[Any, QuickCall] = {}
        self._bound = BoundFunctions(self)
        _functions.add(self)

    def __get__(self, instance: Any, owner: type | None = None) -> Function:
        return self if instance is None else self._bound.of(instance)

    def __repr__(self) -> str:
        return f"<function {self.name}: {listing.counted(len(self.traces), 'trace')}>"

    def __str__(self) -> str:
        return listing.describe(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Function:
        """A function without traces; of a method, that of the copied object."""
        return Function(copy.deepcopy(self.python_function, memo), self.options)

    def __reduce__(self) -> Any:
        """By name, where that leads here, as functions are pickled; else by the Python function."""
        name: str = getattr(self, "__qualname__", "")
        found: Any = sys.modules.get(self.__module__)
        for part in name.split("."):
            found = getattr(found, part, None)
        return name if found is self else (Function, (self.python_function, self.options))

    @property
    def traces(self) -> list[FunctionTrace]:
        """Every trace, in the order in which they were made."""
        return self._families.traces()

    def experimental_get_tracing_count(self) -> int:
        """`tracing_count`, as TensorFlow calls it."""
        return self.tracing_count

    # ------------------------------------------------------------------ calling

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if functions_run_eagerly():
            return self.python_function(*args, **kwargs)
        if current() is not None:
            return self._run(self._arguments(args, kwargs))
        if not kwargs:
            key = key_of_values(args)
            quick = None if key is None else self._quick.get(key)
            if quick is not None and quick.serves(args):
                return quick.run(args)
        written = Written(args, kwargs, lists=self.input_signature is None)
        quick = self._quick.get(written.key())
        if quick is not None and quick.serves(written.values):
            return quick.run(written.values)
        arguments = self._arguments(*written.arguments())
        call, result = self._run_eagerly(arguments, None)
        made = quick_call(written, arguments, call)
        if made is not None:
            store(self._quick, written.key(), made, LIMIT)
        return result

    def _arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any], *, specs: bool = False) -> Arguments:
        """The arguments of a call, flattened.

        Raises: SignatureError where the function, or its input_signature, doesn't take them.
        """
        bound = self._convention.bind(args, kwargs)
        positional, names = bound.args, self._convention.positional_names(len(bound.args))
        if self.input_signature is not None and not specs:
            positional = self.input_signature.conform(bound, names)
        return flatten_arguments(positional, bound.kwargs, names, specs=specs)

    def _run(self, arguments: Arguments, pattern: Pattern | None = None) -> Any:
        if current() is None:
            return self._run_eagerly(arguments, pattern)[1]
        trace, unknown = self._trace_for(arguments, pattern)
        return inline(trace, trace.specialized(unknown), arguments.arrays)

    def _run_eagerly(self, arguments: Arguments, pattern: Pattern | None) -> tuple[Call, Any]:
        call = self._call(*self._trace_for(arguments, pattern))
        return call, call(arguments.arrays)

    def _call(self, trace: FunctionTrace, unknown: tuple[int, ...]) -> Call:
        """The trace made ready to run, for given values of its unknown sizes."""
        return trace.call(unknown, self._plan)

    def _plan(self, trace: FunctionTrace, graph: Graph) -> Call:
        planner = Planner(self.options.compilers, strict=self.options.strict)
        return Call(trace, simplify(graph), planner.plan)

    def forget_programs(self) -> None:
        """Drops what was planned, but no trace: kernels and compilers are chosen anew at the next call."""
        self._quick.clear()
        for trace in self.traces:
            trace.forget_calls()

    # ------------------------------------------------------------------ tracing

    def _trace_for(self, arguments: Arguments, pattern: Pattern | None = None) -> tuple[FunctionTrace, tuple[int, ...]]:
        """The most specific trace that serves a call, and the values of its unknown sizes; a new one, of the pattern
        given or of one to suit, where none does."""
        found = self._families.find(arguments)
        if found is None:
            with one_at_a_time:  # another thread may have traced it meanwhile
                found = self._families.find(arguments)
                if found is None:
                    trace = self._trace(arguments, pattern or self._pattern(arguments))
                    sizes = patterns.unknown_sizes(trace.pattern, arguments.shapes)
                    assert sizes is not None  # it was traced for these
                    found = trace, tuple(sizes)
        return found

    def _pattern(self, arguments: Arguments) -> Pattern:
        """Which sizes a new trace for a call shall know."""
        pattern = patterns.exactly(arguments.shapes)
        if self.input_signature is not None:
            specified = self.input_signature.pattern
            return (*specified, *pattern[len(specified) :])
        return self._families.wider(arguments, pattern) if self.options.reduce_retracing else pattern

    def _trace(self, arguments: Arguments, pattern: Pattern) -> FunctionTrace:
        """A new trace, kept for later calls.

        Raises: whatever the function raises; TraceError where it calls itself, or makes variables that it may not.
        """
        recursion.refuse_recursion(self, self.name, arguments.form)
        with recursion.tracing(self, arguments.form):
            trace = trace_arguments(
                self.python_function, arguments, pattern, name=self.name, may_create=self.tracing_count == 0
            )
        self.tracing_count += 1
        self._families.add(arguments, trace, self)
        return trace

    # ------------------------------------------------------------------ looking

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> ConcreteFunction:
        """The function for one signature, traced if need be. TensorSpecs stand for tensors; without arguments the
        input_signature says them.

        Raises: SignatureError where the function doesn't take them.
        """
        if self.input_signature is not None and not args and not kwargs:
            arguments = self._arguments(self.input_signature.structured(), {}, specs=True)
        else:
            arguments = self._arguments(args, kwargs, specs=self.input_signature is None)
        pattern = self._pattern(arguments)
        with one_at_a_time:
            trace = self._families.exact(arguments, pattern) or self._trace(arguments, pattern)
        return ConcreteFunction(self, arguments, trace)

    def exported(self) -> list[ExportedFunction]:
        """Its traces as plain data, the most specific first (see `SupportsExport` of the protocols). A function with an
        input_signature is traced for that, if it was not yet.

        Raises: SignatureError where a trace is for an object among its arguments.
        """
        if self.input_signature is not None and not self.traces:
            self.get_concrete_function()
        traces = sorted(self.traces, key=lambda trace: trace.unknown_count)
        return [one for trace in traces for one in exported(self, trace)]

    def graph(self, *args: Any, **kwargs: Any) -> Graph:
        """The graph that a call with these arguments runs, simplified. `print` it to read it."""
        return self._call(*self._trace_for(self._arguments(args, kwargs))).graph

    def explain(self, *args: Any, **kwargs: Any) -> Explanation:
        """Which compiler or kernel runs each node of a call with these arguments, and why. `print` it to read it."""
        arguments = self._arguments(args, kwargs)
        call = self._call(*self._trace_for(arguments))
        signature = arguments.describe(patterns.exactly(arguments.shapes))
        return Explanation(self.name, signature, call.placements, call.program.kernel_reports())


@selection.on_forget
def _forget_programs() -> None:
    for function in list(_functions):
        function.forget_programs()
