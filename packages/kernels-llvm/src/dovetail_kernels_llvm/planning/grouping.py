"""Groups and single operations in an order in which they can be planned."""

from __future__ import annotations

from collections.abc import Callable

from .fusion import Fusion, Group
from .ops import Body, Op, Value
from .ordering import topological


def order_of_groups(body: Body, fusion: Fusion, base: Callable[[Value], Value]) -> list[tuple[int, Group | Op]]:
    """Groups and other operations, each after those that it needs, otherwise in the order of the body."""
    things: list[tuple[int, Group | Op]] = []
    key: dict[int, int] = {}
    for place, op in enumerate(body.ops):
        group = fusion.group_of.get(op.outputs[0].number)
        if group is not None and group.ops:
            if min(at for at, _ in group.ops) == place:
                things.append((place, group))
                for _, one in group.ops:
                    for value in one.outputs:
                        key[value.number] = len(things) - 1
        else:
            things.append((place, op))
            for value in op.outputs:
                key[value.number] = len(things) - 1
    waits: list[set[int]] = []
    for number, (_, thing) in enumerate(things):
        ops = [op for _, op in thing.ops] if isinstance(thing, Group) else [thing]
        needed = {key[value.number] for op in ops for value in op.given if value.number in key}
        if isinstance(thing, Group):  # a view that is looked through needs no time of its own
            needed = {one for one in needed if one != number and not _looks_back(things[one][1], thing, fusion, base)}
        waits.append(needed - {number})
    return [things[number] for number in topological(waits)]


def _looks_back(thing: Group | Op, group: Group, fusion: Fusion, base: Callable[[Value], Value]) -> bool:
    """Whether an operation is a view of a group's own value that the group looks through."""
    return (
        isinstance(thing, Op)
        and thing.name == "reshape"
        and fusion.group_of.get(base(thing.outputs[0]).number) is group
    )
