"""A line that is sorted: how its elements are read, and put where they belong."""

from __future__ import annotations

from dovetail_protocols.records import record

from ...codegen.builder import Builder, Value
from ...codegen.types import STORED
from .keys import key_bits, load_key


@record
class Line:
    """Lines that are sorted: how many elements each has, and how far apart in source and target. `places`: whether the
    target gets the places of the elements, and not the elements themselves."""

    dtype: str
    length: int
    steps: tuple[int, int]
    descending: bool
    places: bool

    @property
    def key_bits(self) -> int:
        return key_bits(self.dtype)

    def key(self, b: Builder, source: Value, index: Value) -> Value:
        """The key of an element."""
        pointer = b.offset(source, b.mul(index, b.index(self.steps[0])), STORED[self.dtype])
        return load_key(b, self.dtype, pointer, descending=self.descending)

    def put(self, b: Builder, source: Value, target: Value, index: Value, place: Value) -> None:
        """Makes the element at an index the one at a place of the target."""
        element = "i64" if self.places else STORED[self.dtype]
        there = b.offset(target, b.mul(place, b.index(self.steps[1])), element)
        if self.places:
            b.store(index, there)
        else:
            b.store(b.load(element, b.offset(source, b.mul(index, b.index(self.steps[0])), element)), there)
