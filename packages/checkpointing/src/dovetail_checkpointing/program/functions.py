"""What is called of a loaded program: methods, as Python wrote them, and signatures, by names of inputs and outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dovetail_protocols.errors import SignatureError
from dovetail_protocols.functions import ExportedFunction
from dovetail_protocols.roles import VariableLike

from . import structures
from .running import LoadedTrace


class LoadedFunction:
    """What loaded methods and signatures have in common: traces, of which a call takes the first that fits."""

    def __init__(self, name: str, traces: Sequence[LoadedTrace]) -> None:
        self.name, self._traces = name, tuple(traces)

    @property
    def variables(self) -> tuple[VariableLike, ...]:
        """The variables that it reads or assigns."""
        found = {id(variable): variable for trace in self._traces for variable in trace.variables}
        return tuple(found.values())

    def exported(self) -> list[ExportedFunction]:
        """Its traces as plain data, so that it can be exported again."""
        return [trace.exported() for trace in self._traces]


class LoadedMethod(LoadedFunction):
    """A method of a loaded object: called as the original one, for what that was traced for before the export."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The result, in the structure that the original returned.

        Raises: SignatureError where no trace takes the arguments; it lists those that there are.
        """
        for trace in self._traces:
            arrays = trace.arrays_of(args, kwargs)
            if arrays is not None:
                return structures.fill(trace.record.result, trace.run(arrays))
        raise untraced(self.name, [*args, *kwargs.values()], self.describe())

    def describe(self) -> list[str]:
        """Its traces for a reader, one a line; those that only differ in what they take of open sizes once."""
        return list(dict.fromkeys(described(trace, f"({_arguments(trace)})") for trace in self._traces))

    def __repr__(self) -> str:
        return "\n".join([f"<loaded method {self.name}:", *(f"  {line}" for line in self.describe())]) + ">"


class LoadedSignature(LoadedFunction):
    """A signature of a loaded program: takes arrays by name, or in order, and gives a dict of arrays."""

    def __init__(self, name: str, traces: Sequence[LoadedTrace]) -> None:
        super().__init__(name, traces)
        record = traces[0].record
        self.input_names = record.input_names
        self.output_names = structures.output_names(record.result) or ()

    def __call__(self, *arrays: Any, **named: Any) -> dict[str, Any]:
        """The outputs by name.

        Raises: SignatureError for inputs that it doesn't have, or lacks, or that no trace takes.
        """
        given = dict(zip(self.input_names, arrays, strict=False))
        if len(arrays) > len(self.input_names) or given.keys() & named.keys():
            raise untraced(self.name, [*arrays, *named.values()], self.describe())
        given |= named
        if given.keys() != set(self.input_names):
            raise SignatureError(
                f"the signature {self.name!r} has other inputs",
                expected=", ".join(self.input_names) or "none",
                got=", ".join(given) or "none",
            )
        values = [given[name] for name in self.input_names]
        for trace in self._traces:
            accepted = trace.accepted(values)
            if accepted is not None:
                results = trace.run(accepted)
                order = structures.slots(trace.record.result)
                return {name: results[number] for name, number in zip(self.output_names, order, strict=True)}
        raise untraced(self.name, values, self.describe())

    def describe(self) -> list[str]:
        """Its traces for a reader, one a line; those that only differ in what they take of open sizes once."""
        lines = (described(trace, f"({', '.join(map(str, trace.inputs))})") for trace in self._traces)
        return list(dict.fromkeys(lines))

    def __repr__(self) -> str:
        return "\n".join([f"<loaded signature {self.name}:", *(f"  {line}" for line in self.describe())]) + ">"


def described(trace: LoadedTrace, arguments: str) -> str:
    """A trace for a reader: "(x: float32[?,784]) → {'logits': float32[?,10]}"."""
    return f"{arguments} → {structures.shown(trace.record.result, trace.record.describe_output)}"


def untraced(name: str, values: Sequence[Any], available: Sequence[str]) -> SignatureError:
    """The error for arguments that no trace takes."""
    return SignatureError(
        f"{name!r} was not traced for these arguments before it was exported",
        expected="\n    ".join(["one of", *available]),
        got=", ".join(_shown(value) for value in values) or "no arguments",
        fix="convert them; or trace the original for them (None in a TensorSpec for any size), and export it anew",
    )


def _arguments(trace: LoadedTrace) -> str:
    args, kwargs = trace.record.arguments
    convention = trace.record.convention
    names = [] if convention is None else list(convention.parameters)

    def shown(structure: Any) -> str:
        return structures.shown(structure, lambda number: str(trace.inputs[number]).partition(": ")[2])

    parts = [f"{name}: {shown(item)}" for name, item in zip(names, args, strict=False)]
    parts += [shown(item) for item in args[len(names) :]]
    return ", ".join([*parts, *(f"{name}: {shown(item)}" for name, item in kwargs.items())])


def _shown(value: Any) -> str:
    if hasattr(value, "meta"):
        return str(value.meta)
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return f"{value.dtype}{list(value.shape)}"
    text = repr(value)
    return text if len(text) <= 60 else f"a {type(value).__name__}"
