"""Objects with checkpoint state that get children after their construction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Late:
    """An object with checkpoint state that tells of children set later."""

    observer: Callable[[str], None] | None = None
    asked = 0

    def __init__(self, **children: Any) -> None:
        self.children = children

    def checkpoint_state(self) -> dict[str, Any]:
        self.asked += 1
        return self.children

    def load_checkpoint_state(self, scalars: Any) -> None:
        self.children |= scalars

    def observe_state(self, observer: Callable[[str], None] | None) -> None:
        self.observer = observer

    def set(self, name: str, child: Any) -> Any:
        self.children[name] = child
        if self.observer is not None:
            self.observer(name.partition("/")[0])
        return child


class Parted(Late):
    """One that gives its state part by part."""

    def checkpoint_state_of(self, name: str) -> dict[str, Any]:
        return {child: value for child, value in self.children.items() if child.partition("/")[0] == name}

    def state_containers(self) -> list[Any]:
        return []
