"""`input_signature`: what a function's positional arguments must be, fixed once; all calls share its traces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dovetail_protocols.boundary import array_for
from dovetail_protocols.errors import SignatureError, StructureError

from . import nested
from .convention import BoundArguments
from .patterns import Pattern
from .specs import TensorSpec


class InputSignature:
    """TensorSpecs for the first positional arguments, in nested structures like theirs."""

    def __init__(self, specs: Sequence[Any], name: str) -> None:
        """Raises: SignatureError for a leaf that is no TensorSpec."""
        self.name, self.count = name, len(specs)
        self.specs, self._structure = nested.flatten(tuple(specs))
        for spec in self.specs:
            if not isinstance(spec, TensorSpec):
                raise SignatureError(
                    f"input_signature of {name!r} has a leaf that is no TensorSpec",
                    expected="a list of TensorSpecs, or of nested structures of them",
                    got=repr(spec),
                )

    @property
    def pattern(self) -> Pattern:
        """The sizes that are known."""
        return tuple(spec.shape for spec in self.specs)

    def structured(self) -> tuple[Any, ...]:
        """The TensorSpecs in the structures of the arguments."""
        specs: tuple[Any, ...] = nested.unflatten(self._structure, self.specs)
        return specs

    def conform(self, bound: BoundArguments, positional: Sequence[str]) -> tuple[Any, ...]:
        """The positional arguments with the specified ones as tensors.

        Raises: SignatureError, naming the argument, where one is missing, surplus, or not as specified.
        """
        if bound.given > self.count or len(bound.args) < self.count:
            raise SignatureError(
                f"{self.name!r} takes as many arguments as its input_signature has",
                expected=f"{self.count} arguments: {', '.join(map(str, self.specs))}",
                got=f"{bound.given}",
            )
        try:
            values = nested.flatten_up_to(self._structure, bound.args[: self.count], what="input_signature")
        except StructureError as error:
            raise SignatureError(
                f"{self.name!r}: an argument has another structure than the input_signature",
                expected=nested.describe(self._structure),
                got=error.got,
            ) from error
        paths = nested.leaf_paths(self._structure)
        arrays = [self._checked(*entry, positional) for entry in zip(self.specs, values, paths, strict=True)]
        return (*nested.unflatten(self._structure, arrays), *bound.args[self.count :])

    def _checked(self, spec: TensorSpec, value: Any, path: str, positional: Sequence[str]) -> Any:
        array = array_for(value, spec.dtype, spec.device)
        if array is not None and spec.accepts(array.meta):
            return array
        place, _, rest = path[1:].partition("]")
        name = positional[int(place)] + rest if place.isdigit() and int(place) < len(positional) else path
        raise SignatureError(
            f"{self.name!r}: an argument doesn't match the input_signature",
            where=f"argument {name}",
            expected=f"{spec}",
            got=repr(value)[:100] if array is None else f"{array.meta}",
            fix="convert it with .astype(...) or reshape(...), or widen the TensorSpec with None",
        )
