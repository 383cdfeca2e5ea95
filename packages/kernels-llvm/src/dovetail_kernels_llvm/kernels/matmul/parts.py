"""A number of things cut into parts that are as equal as whole numbers can be."""

from __future__ import annotations

from dovetail_protocols.records import record

from ...codegen.builder import Builder, Value


@record
class Parts:
    """`total` things in `count` parts: the first `larger` parts have one more than the others."""

    total: int
    count: int

    @property
    def smallest(self) -> int:
        return self.total // self.count

    @property
    def larger(self) -> int:
        return self.total % self.count

    @property
    def largest(self) -> int:
        return -(-self.total // self.count)

    def start(self, b: Builder, part: Value | int) -> Value | int:
        """The first thing of a part; of part `count`, the total. A plain number where the part is one."""
        if isinstance(part, int):
            return part * self.smallest + min(part, self.larger)
        start = b.mul(part, b.index(self.smallest))
        return b.add(start, b.minimum(part, self.larger)) if self.larger else start

    def bounds(self, b: Builder, part: Value | int) -> tuple[Value | int, Value | int]:
        """The first thing of a part, and the first that is no more of it."""
        if self.count == 1:
            return 0, self.total
        after = part + 1 if isinstance(part, int) else b.add(part, b.index(1))
        return self.start(b, part), self.start(b, after)


def parts_of(total: int, at_most: int) -> Parts:
    """The fewest parts that have at most so many things each."""
    return Parts(total, max(1, -(-total // at_most)))
