"""The kernel packages that are installed, loaded and described at first need.

What is broken is set aside; what the user excludes isn't touched.
"""

from __future__ import annotations

import threading

from . import registry
from .errors import PluginError
from .plugins.discovery import Plugin, find, quarantine, require_sound
from .plugins.fence import asked, tell_output
from .plugins.policy import current_policy
from .plugins.telling import tell
from .plugins.versions import offered_by

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .kernels import KernelPackage, KernelSpec
    from .operation import Operation

GROUP = "dovetail.kernels.v1"

_lock = threading.RLock()
_packages: Mapping[str, Package] = {}
_looked_at: set[str] = set()
_complete_without: frozenset[str] | None = None
"""The excluded packages of the policy under which all others were looked at, so that the next asks need not look."""


class Package:
    """A kernel package that was loaded: the plug-in, what it offers, and why it can't be used, if so."""

    __slots__ = ("offered", "operations", "plugin", "specs", "unusable")

    def __init__(self, plugin: Plugin, offered: KernelPackage) -> None:
        self.plugin, self.offered = plugin, offered
        self.specs: tuple[KernelSpec, ...] = ()
        self.operations: tuple[Operation, ...] = ()
        self.unusable: str | None = None


def packages() -> Mapping[str, Package]:
    """Every kernel package that could be loaded, by name. Broken ones are set aside with a warning; those that the
    policy in force excludes are left alone until one is in force that doesn't."""
    global _complete_without
    excluded = current_policy().excluded
    if _complete_without == excluded:
        return _packages
    with _lock:
        for plugin in find(GROUP):
            if plugin.name not in excluded:
                _look_at(plugin)
        _complete_without = excluded
        return _packages


def require_package(name: str) -> Package:
    """The kernel package of that name, also where the policy excludes it.

    Raises: PluginError where it isn't installed, is broken, or can't be used on this machine.
    """
    loaded = packages().get(name) or described(name)
    if loaded is None:
        require_sound(GROUP, name)
        from difflib import get_close_matches

        known = [plugin.name for plugin in find(GROUP)]
        near = get_close_matches(name, known, 1)
        raise PluginError(
            f"no kernel package {name!r} is installed",
            expected=", ".join(known) or "at least one kernel package",
            fix=(f"use {near[0]!r}, if that is meant" if near else "install it, or correct the name")
            + "; dovetail doctor lists what is there",
        )
    if loaded.unusable:
        raise PluginError(f"kernel package {loaded.plugin} can't be used here", cause=loaded.unusable)
    return loaded


def described(name: str) -> Package | None:
    """The package of that name, described whatever the policy says, and no other for its sake; None where it isn't
    installed or was set aside."""
    with _lock:
        for plugin in find(GROUP):
            if plugin.name == name:
                _look_at(plugin)
        return _packages.get(name)


def _look_at(plugin: Plugin) -> None:
    """Describes a package that wasn't looked at yet."""
    global _packages
    if plugin.name in _looked_at:
        return
    _looked_at.add(plugin.name)
    package = _describe(plugin)
    if package is not None:
        _packages = dict(sorted({**_packages, plugin.name: package}.items()))


def require_named(name: str) -> None:
    """Raises PluginError where a name that the user wants is neither a usable kernel package nor a compiler."""
    if name in packages() or all(plugin.name != name for plugin in find("dovetail.compilers.v1")):
        require_package(name)


def forget() -> None:
    """Forgets all packages; they are found anew at next need."""
    global _packages, _complete_without
    with _lock:
        _packages, _complete_without = {}, None
        _looked_at.clear()


def _describe(plugin: Plugin) -> Package | None:
    """A package and what it offers; None where it is set aside, and then nothing of it stays registered."""
    known = registry.names()
    try:
        offered = offered_by(plugin)
        package, ignored = asked(plugin, lambda: _offer(plugin, offered))
    except KeyboardInterrupt:
        _looked_at.discard(plugin.name)
        raise
    except PluginError as error:
        quarantine(plugin, error if plugin.error is None else plugin.broken())
        registry.forget_all_but(known)
        return None
    tell_output(plugin)
    for text in ignored:
        tell(text)
    return package


def _offer(plugin: Plugin, offered: KernelPackage) -> tuple[Package, list[str]]:
    """What a package offers, and what to say of specs that are ignored."""
    from .plugins.validation import checked_operations, checked_specs, unusable_reason

    package = Package(plugin, offered)
    package.unusable = unusable_reason(offered.probe())
    package.specs, ignored = checked_specs(plugin, offered.kernels())
    package.operations = checked_operations(plugin, offered.operations())
    return package, ignored


def summary(specs: Sequence[KernelSpec]) -> str:
    """How many kernels, for how many operations: "2 kernels for 1 operation"."""
    return f"{_counted(len(specs), 'kernel')} for {_counted(len({spec.operation for spec in specs}), 'operation')}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
