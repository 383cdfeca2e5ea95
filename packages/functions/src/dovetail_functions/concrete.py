"""ConcreteFunction: one trace of a function, to be called, looked at, or exported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dovetail_protocols.arrays import provider
from dovetail_protocols.errors import SignatureError
from dovetail_protocols.functions import ExportedFunction
from dovetail_protocols.graph import Graph
from dovetail_protocols.roles import VariableLike

from .arguments import Arguments
from .exporting import exported
from .specs import TensorSpec
from .traces import FunctionTrace

if TYPE_CHECKING:
    from .function import Function


class ConcreteFunction:
    """A function for one signature, made by `Function.get_concrete_function`.

    Call it like the function, or with the tensors among the arguments alone, in order. Python values must be those of
    the trace.
    """

    def __init__(self, function: Function, arguments: Arguments, trace: FunctionTrace) -> None:
        self.function, self._arguments, self._trace = function, arguments, trace

    @property
    def name(self) -> str:
        return self.function.name

    @property
    def graph(self) -> Graph:
        """The graph as it was traced. A size that is not known has its formula, ?0 for the first."""
        return self._trace.graph

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """What the tensors among the arguments must be, in order."""
        specs = zip(self._arguments.names(), self._trace.pattern, self._arguments.metas, strict=True)
        return tuple(TensorSpec(shape, meta.dtype, name, meta.device) for name, shape, meta in specs)

    @property
    def structured_input_signature(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Positional and keyword arguments with TensorSpecs for tensors, and the Python values of the trace."""
        return self._arguments.rebuild(self.inputs)

    @property
    def structured_outputs(self) -> Any:
        """The result with TensorSpecs for tensors."""
        values = self._trace.graph.outputs[: self._trace.result_count]
        known = [tuple(s if type(s) is int else None for s in value.meta.shape) for value in values]
        pairs = zip(known, values, strict=True)
        return self._trace.result.rebuild([TensorSpec(s, v.meta.dtype, None, v.meta.device) for s, v in pairs])

    @property
    def variables(self) -> tuple[VariableLike, ...]:
        """The variables that it reads or assigns, in order of first use."""
        return self._trace.variables

    @property
    def trainable_variables(self) -> tuple[VariableLike, ...]:
        return tuple(variable for variable in self.variables if variable.trainable)

    def exported(self) -> list[ExportedFunction]:
        """The trace as plain data, to be kept in a file (see `SupportsExport` of the protocols). Where it doesn't serve
        special sizes, such as 1, which broadcasts, traces for these follow.

        Raises: SignatureError where an object is among the arguments.
        """
        return exported(self.function, self._trace)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The result.

        Raises: SignatureError where arguments are not those of this signature.
        """
        given = self._from_tensors(args) if not kwargs else None
        if given is None:
            given = self.function._arguments(args, kwargs)
        if given.form != self._arguments.form:
            self._refuse(given)
        for array, spec in zip(given.arrays, self.inputs, strict=True):
            if not spec.accepts(array.meta):
                self._refuse(given)
        return self.function._run(given, self._trace.pattern)

    def _from_tensors(self, args: tuple[Any, ...]) -> Arguments | None:
        """The arguments where only the tensors among them are given, or None."""
        whole, _ = self._arguments.rebuild(self.inputs)
        is_array = provider().is_array
        if len(args) == len(whole) or len(args) != len(self.inputs) or not all(map(is_array, args)):
            return None
        return self._arguments.with_arrays(args)

    def _refuse(self, given: Arguments) -> None:
        raise SignatureError(
            f"these arguments are not those of this signature of {self.name!r}",
            expected=self._arguments.describe(self._trace.pattern),
            got=given.describe(tuple(given.shapes)),
            fix="call the function itself, which traces it for other signatures",
        )

    def __repr__(self) -> str:
        return f"<concrete function {self.name}({self._arguments.describe(self._trace.pattern)})>"
