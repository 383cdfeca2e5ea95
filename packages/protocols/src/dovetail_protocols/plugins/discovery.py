"""Phase one, *find*: which distributions declare entry points of Dovetail's groups. Nothing of theirs is imported.

Reads `*.dist-info/entry_points.txt` along sys.path: about 1 ms, where importing `importlib.metadata` alone costs 14.
"""

from __future__ import annotations

import os
import sys
from _thread import RLock  # importing threading takes longer than all that is done here
from importlib import import_module

from ..errors import PluginError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_lock = RLock()
_groups: dict[str, list[Plugin]] | None = None
_quarantine: dict[str, PluginError] = {}
_warned: set[str] = set()
_asked_for: set[str] = set()
_LOSSES = {
    "dovetail.kernels": "its kernels are not used in this process.",
    "dovetail.compilers": "it compiles nothing in this process.",
}


class Plugin:
    """One entry point: `name`, `group`, the object reference `target`, and the distribution and version it comes from.

    `load()` imports it once. A plug-in that fails to import is broken for the process: `error` keeps the cause.
    """

    __slots__ = ("_loaded", "distribution", "error", "group", "location", "name", "output", "target", "version")

    def __init__(self, name: str, group: str, target: str, distribution: str, version: str, location: str) -> None:
        self.name, self.group, self.target = name, group, target
        self.distribution, self.version, self.location = distribution, version, location
        self.error: BaseException | None = None
        self.output = ""  # what it printed while it was loaded, not told yet
        self._loaded: Any = None

    def __str__(self) -> str:
        return f"{self.name!r} ({self.distribution} {self.version})"

    def __repr__(self) -> str:
        return f"<plug-in {self} in {self.group}>"

    def load(self) -> Any:
        """The object that the entry point names.

        Raises: PluginError from the original error, the same one at each further try in this process.
        """
        from .fence import fenced, tell_output  # finding does without it, and costs half as much so

        with _lock:
            if self._loaded is None and self.error is None:
                try:
                    with fenced(self, "importing it"):
                        self._loaded = self._imported()
                except KeyboardInterrupt:
                    raise
                except BaseException as error:  # noqa: BLE001 - a plug-in may raise anything
                    self.error = error
                    _quarantine[self.key] = self.broken()
            if self.error is not None:
                raise asked_for(self.name, self.broken()) from self.error
            tell_output(self)
            return self._loaded

    def _imported(self) -> Any:
        module, _, attribute = self.target.partition(":")
        found: Any = import_module(module.strip())
        for part in attribute.strip().split(".") if attribute.strip() else ():
            found = getattr(found, part)
        return found

    @property
    def key(self) -> str:
        """What it is set aside under: "group:name"."""
        return f"{self.group}:{self.name}"

    @property
    def loss(self) -> str:
        """The effect of doing without it."""
        return _LOSSES.get(self.group.rpartition(".")[0], "it is not used in this process.")

    def broken(self) -> PluginError:
        """The error that says that this plug-in could not be imported, or failed when it was asked what it offers."""
        failed = "could not be imported" if self._loaded is None else "failed when it was asked what it offers"
        exclude = f", or set DOVETAIL_KERNELS=-{self.name}" if self.group.startswith("dovetail.kernels.") else ""
        return PluginError(
            f"plug-in {self} {failed}",
            cause=f"{type(self.error).__name__}: {self.error}",
            effect=self.loss,
            fix=f"reinstall {self.distribution}{exclude}; details: dovetail doctor {self.name}",
        )


def find(group: str) -> list[Plugin]:
    """The plug-ins that installed distributions declare in a group, sorted by name. Nothing is imported.

    Two distributions that declare one name: neither is given, and a PluginWarning names both. A plug-in that declares
    itself for another major of the group only is set aside likewise.
    """
    global _groups
    with _lock:
        if _groups is None:
            _groups = _scan()
        if group not in _asked_for:
            _asked_for.add(group)
            stem = group.rpartition(".v")[0]
            if any(other != group and other.rpartition(".v")[0] == stem for other in _groups):
                from .versions import set_aside_other_majors

                set_aside_other_majors(group, _groups)
        return list(_groups.get(group, ()))


def declared() -> list[Plugin]:
    """All plug-ins that installed distributions declare, in any group, also in one that nobody reads."""
    global _groups
    with _lock:
        if _groups is None:
            _groups = _scan()
        return [plugin for plugins in _groups.values() for plugin in plugins]


def refresh() -> None:
    """Forgets what was found and what was broken, so that a package installed since is seen (in a notebook, say)."""
    global _groups
    with _lock:
        _groups = None
        _quarantine.clear()
        _warned.clear()
        _asked_for.clear()
    from .. import devices, selection

    selection.forget()
    devices.forget()


def quarantined() -> dict[str, str]:
    """What was set aside in this process, "group:name" → the message why."""
    return {key: str(error) for key, error in _quarantine.items()}


def quarantine(plugin: Plugin, error: PluginError, key: str | None = None, *, silently: bool = False) -> None:
    """Sets a plug-in aside, with one warning for the process; `key`: under another "group:name" than its own."""
    if silently:
        _warned.add(key or plugin.key)
    _set_aside(key or plugin.key, error)


def require_sound(group: str, name: str) -> None:
    """Raises PluginError where a plug-in that the user asked for by name was set aside, from what it raised itself."""
    error = _quarantine.get(f"{group}:{name}")
    if error is not None:
        plugin = next((plugin for plugin in find(group) if plugin.name == name), None)
        raise asked_for(name, error) from (None if plugin is None else plugin.error)


def asked_for(name: str, error: PluginError) -> PluginError:
    """What was wrong with a plug-in, as told to somebody who asked for it by name."""
    effect = f"you asked for {name!r}, so nothing was put in its place."
    return PluginError(error.what, cause=error.cause, effect=effect, fix=error.fix)


def _set_aside(key: str, error: PluginError) -> None:
    _quarantine[key] = error
    if key not in _warned:
        _warned.add(key)
        from .telling import tell

        tell(str(error))


def _scan() -> dict[str, list[Plugin]]:
    found: dict[tuple[str, str], list[Plugin]] = {}
    seen: set[str] = set()
    for location in _distribution_folders():
        stem = os.path.basename(location)[: -len(".dist-info")]
        distribution, _, version = stem.partition("-")
        key = distribution.lower().replace("-", "_").replace(".", "_")
        if key in seen:
            continue  # an earlier entry of sys.path shadows this one, as it does for import
        seen.add(key)
        for group, name, target in _entry_points(location, distribution):
            plugin = Plugin(name, group, target, distribution.replace("_", "-"), version, location)
            found.setdefault((group, name), []).append(plugin)
    return _without_clashes(found)


def _distribution_folders() -> Iterator[str]:
    for path in dict.fromkeys(sys.path):
        try:
            with os.scandir(path or os.curdir) as entries:
                names = sorted(entry.path for entry in entries if entry.name.endswith(".dist-info"))
        except OSError:
            continue  # a zip file, or a folder that is gone: plug-ins are installed in folders
        yield from names


def _entry_points(location: str, distribution: str) -> Iterator[tuple[str, str, str]]:
    try:
        with open(f"{location}{os.sep}entry_points.txt", "rb", buffering=0) as file:
            content = file.read()
        if b"dovetail." not in content:
            return
        text = content.decode()
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        _set_aside(
            location,
            PluginError(
                f"the entry points of {distribution} can't be read",
                cause=f"{type(error).__name__}: {error}",
                effect="its plug-ins are not seen in this process.",
                fix=f"reinstall {distribution}",
            ),
        )
        return
    group = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            group = line[1:-1].strip()
        elif group.startswith("dovetail.") and "=" in line and not line.startswith(("#", ";")):
            name, _, target = line.partition("=")
            yield group, name.strip(), target.partition("[")[0].strip()


def _without_clashes(found: dict[tuple[str, str], list[Plugin]]) -> dict[str, list[Plugin]]:
    groups: dict[str, list[Plugin]] = {}
    for (group, name), plugins in sorted(found.items(), key=lambda item: item[0]):
        if len(plugins) == 1:
            groups.setdefault(group, []).append(plugins[0])
            continue
        owners = " and ".join(f"{plugin.distribution} {plugin.version}" for plugin in plugins)
        _set_aside(
            f"{group}:{name}",
            PluginError(
                f"plug-in {name!r} is declared twice in {group}, by {owners}",
                effect="neither is used in this process.",
                fix=f"uninstall {' or '.join(plugin.distribution for plugin in plugins)}",
            ),
        )
    return groups
