"""Which results may be written straight into the buffer of an input, and what must have run before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .fusion import Fusion, Group
from .kinds import is_reduction
from .ops import Body, Op, Value
from .views import VIEWS

if TYPE_CHECKING:
    from .ordering import Item


class Overwriting:
    """Looks at each pair of an output and the input whose buffer it is to take.

    `late` are the outputs (by place) that must be computed elsewhere and copied at the end: those whose maker reads the
    old value at other elements than the one it writes, or before which somebody would still need the old value.
    """

    def __init__(self, body: Body, fusion: Fusion, in_place: Mapping[int, int]) -> None:
        self.body, self.fusion, self.in_place = body, fusion, in_place
        self._uses = body.uses()
        self._before = {id(group): group.ancestors for group in fusion.all_groups()}
        self.late: set[int] = set()
        self._pairs: list[tuple[int, int]] = []
        seen: set[int] = set()
        for place, source in in_place.items():
            value, old = body.outputs[place], body.inputs[source]
            if value.number in seen or not self._is_safe(value, old):
                self.late.add(place)
            else:
                self._pairs.append((value.number, old.number))
                seen.add(value.number)
                self._note(self.fusion.group_of[value.number], old)

    def _is_safe(self, value: Value, old: Value) -> bool:
        group = self.fusion.group_of.get(value.number)
        if group is None or not group.ops or group.spaces[value.number] != "full" or value.shape != old.shape:
            return False
        wanted = {one.number for one in self.body.outputs}
        pending = [old]
        while pending:
            looked = pending.pop()
            if looked is not old and looked.number in wanted:
                return False  # it is returned as a view of the old value
            for user in self._uses.get(looked.number, ()):
                if user.name in VIEWS:
                    pending.append(user.outputs[0])
                    continue
                reader = self.fusion.group_of[user.outputs[0].number]
                if reader is group:
                    if not self._reads_in_step(group, user, looked, old):
                        return False
                elif self._before[id(reader)] & group.bits:
                    return False
        return old.number not in wanted

    def _note(self, writer: Group, old: Value) -> None:
        """Notes that a group comes after all others that read a value: later pairs must not want the opposite."""
        pending, needed = [old], 0
        while pending:
            for user in self._uses.get(pending.pop().number, ()):
                reader = self.fusion.group_of[user.outputs[0].number]
                if user.name in VIEWS:
                    pending.append(user.outputs[0])
                elif reader is not writer:
                    needed |= reader.bits | self._before[id(reader)]
        for group in self.fusion.all_groups():
            if group is writer or self._before[id(group)] & writer.bits:
                self._before[id(group)] |= needed

    def _reads_in_step(self, group: Group, user: Op, looked: Value, old: Value) -> bool:
        """Whether an operation of the writing group reads just the element that is written afterwards."""
        rows_first = any(is_reduction(op) for _, op in group.ops)
        return looked is old and user is not group.product and looked.shape == group.domain and not rows_first

    def order(self, items: Sequence[Item]) -> None:
        """Makes each writer wait for the others that read the old value."""
        for new, old in self._pairs:
            writers = [item for item in items if new in item.makes]
            for item in items:
                if old in item.reads and item not in writers:
                    for writer in writers:
                        writer.needs.add(item)
