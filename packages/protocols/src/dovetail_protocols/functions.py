"""What a package that traces functions offers, in the entry-point group `dovetail.functions.v1`, and what its functions
tell those who keep them in files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from .records import record

if TYPE_CHECKING:
    from inspect import Signature

    from .graph_templates import GraphTemplate
    from .roles import VariableLike

PROTOCOL = (1, 0)
"""The version of the function protocol that this package speaks."""


@record
class Slot:
    """Where an array stands in a structure: that with this number among a graph's inputs, or among its outputs."""

    number: int


@record
class ExportedFunction:
    """One trace of a function as plain data.

    `arguments` are the positional and keyword arguments, with defaults filled in, and `result` what it returns: nested
    tuples, lists and dicts of Slots, and of the Python values of the trace (bool, int, float, str, None).
    `input_names` names the inputs, such as "x" and "params['kernel']". The graph's inputs are those, then the values of
    `variables`, in this order; its outputs are those of the result, then new values of variables, as its states say.
    `convention`: the parameters of the Python function, or None where they are not known.
    """

    name: str
    convention: Signature | None
    arguments: tuple[Sequence[Any], Mapping[str, Any]]
    input_names: tuple[str, ...]
    result: Any
    template: GraphTemplate
    variables: tuple[VariableLike, ...]


@runtime_checkable
class SupportsExport(Protocol):
    """Optional for a callable: its traces can be kept in a file."""

    def exported(self) -> Sequence[ExportedFunction]:
        """Its traces, those with the fewest unknown sizes first; none where nothing was traced.

        Raises: SignatureError for a trace that is for an object, which no file can hold.
        """


@runtime_checkable
class SupportsSignatures(Protocol):
    """Optional for a function: one signature of it, by what stands for its arguments."""

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> SupportsExport:
        """The function for these arguments, or for anything that stands for them (a TensorSpec)."""


@runtime_checkable
class FunctionMaker(Protocol):
    """A package that traces functions."""

    def function(self, python_function: Callable[..., Any], *, name: str | None = None) -> Callable[..., Any]:
        """A callable that gives what the Python function gives: traced once for each signature, run as a graph by the
        compilers and kernels that are installed. An interpreter around a call sees its operations one by one."""
