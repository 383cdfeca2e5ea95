"""What a plug-in's own code may do to the process while it is loaded, held in: output, endless work, half a failure."""

from __future__ import annotations

import sys
from _thread import get_ident
from contextlib import contextmanager

from .telling import tell
from .waiting import Waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, TypeVar

    Answer = TypeVar("Answer")


@contextmanager
def fenced(plugin: Any, doing: str) -> Iterator[None]:
    """Runs a plug-in's code for the body of the `with`; `doing` says what ("importing it").

    What it prints is held back, for `tell_output`: standard output is the program's. Where it takes long, standard
    error says what is being waited for. Where the body raises, operations registered and modules of the plug-in
    imported in it are forgotten, so that another try begins afresh.
    """
    from .. import registry

    operations, modules = registry.names(), set(sys.modules)
    outer = sys.stdout
    held = None if outer is None else HeldOutput(outer)
    if held is not None:
        sys.stdout = held
    try:
        with Waiting(plugin, doing):
            yield
    except BaseException:
        registry.forget_all_but(operations)
        _forget_modules(plugin, modules)
        raise
    finally:
        sys.stdout = outer
        if held is not None:
            plugin.output += held.text


def asked(plugin: Any, question: Callable[[], Answer]) -> Answer:
    """What a plug-in answers when its own code is asked, behind the fence.

    Raises: PluginError from whatever it raises but the user's interrupt; `plugin.error` keeps that.
    """
    try:
        with fenced(plugin, "asking what it offers"):
            return question()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        plugin.error = error
        raise plugin.broken() from error


class HeldOutput:
    """A standard output that keeps what the thread that made it prints; other threads print on."""

    def __init__(self, outer: Any) -> None:
        self._outer, self._thread = outer, get_ident()
        self.text = ""

    def write(self, text: str) -> int:
        if get_ident() != self._thread:
            return int(self._outer.write(text))
        self.text += text
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        self._outer.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._outer, name)


def _forget_modules(plugin: Any, before: set[str]) -> None:
    package = plugin.target.partition(":")[0].strip().partition(".")[0]
    for name in [name for name in sys.modules if name not in before and name.partition(".")[0] == package]:
        del sys.modules[name]


def tell_output(plugin: Any) -> None:
    """Warns, once, of what a plug-in printed behind the fence."""
    shown, plugin.output = plugin.output.strip(), ""
    if shown:
        tell(
            f"plug-in {plugin} printed to standard output while it was loaded\n"
            f"  got: {shown[:200]!r}{' and more' if len(shown) > 200 else ''}\n"
            "  effect: the text was held back: standard output is the program's\n"
            f"  fix: report it to the authors of {plugin.name!r}"
        )
