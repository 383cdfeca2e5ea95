"""The compilers that are installed, in the entry-point group `dovetail.compilers.v1`."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from dovetail_protocols import selection
from dovetail_protocols.compilers import Compiler
from dovetail_protocols.errors import PluginError
from dovetail_protocols.plugins.discovery import Plugin, find, quarantine, require_sound
from dovetail_protocols.plugins.fence import asked, tell_output
from dovetail_protocols.plugins.policy import current_policy
from dovetail_protocols.plugins.validation import unusable_reason
from dovetail_protocols.plugins.versions import offered_by
from dovetail_protocols.records import record

GROUP = "dovetail.compilers.v1"


@record
class FoundCompiler:
    """A compiler by the name of its entry point. `unusable`: why it can't run on this machine, or None."""

    name: str
    compiler: Compiler
    unusable: str | None = None


_lock = threading.RLock()
_looked_at: dict[str, FoundCompiler | None] = {}
"""What became of each plug-in that was looked at: None for those that were set aside."""


@selection.on_forget
def forget() -> None:
    """Forgets the compilers; they are found anew at next need."""
    _looked_at.clear()


def compilers() -> tuple[FoundCompiler, ...]:
    """Every compiler that could be loaded, by name. Broken ones are set aside with a warning; those that the policy in
    force excludes are left alone."""
    excluded = current_policy().excluded
    with _lock:
        for plugin in find(GROUP):
            if plugin.name not in excluded:
                _look_at(plugin)
        return tuple(found for _, found in sorted(_looked_at.items()) if found is not None)


def _look_at(plugin: Plugin) -> FoundCompiler | None:
    with _lock:
        if plugin.name not in _looked_at:
            _looked_at[plugin.name] = _describe(plugin)
        return _looked_at[plugin.name]


def chosen_compilers(names: Sequence[str] | None) -> tuple[list[FoundCompiler], dict[str, str]]:
    """The compilers to offer a graph to, in order, and for the others why not. `names`: those that the user wants, in
    the user's order; None for what the policy for kernels leaves: all, or where it prefers some packages, those.

    Raises: PluginError for a name that isn't installed, is broken, or can't be used on this machine.
    """
    if names is not None:
        return [_require(name) for name in names], {}
    policy = current_policy()
    others = ", ".join(policy.preferred)
    refused = {
        one.name: one.unusable
        or policy.refuses(one.name)
        or (f"the user prefers {others}" if others and one.name not in policy.preferred else None)
        for one in compilers()
    }
    refused |= {plugin.name: policy.refuses(plugin.name) for plugin in find(GROUP) if plugin.name in policy.excluded}
    usable = [one for one in compilers() if refused[one.name] is None]
    return usable, {name: reason for name, reason in refused.items() if reason is not None}


def _require(name: str) -> FoundCompiler:
    found = next((one for one in compilers() if one.name == name), None)
    if found is None:
        found = next((_look_at(plugin) for plugin in find(GROUP) if plugin.name == name), None)
    if found is None:
        require_sound(GROUP, name)
        raise PluginError(
            f"no compiler {name!r} is installed",
            expected=", ".join(one.name for one in compilers()) or "a package that offers dovetail.compilers.v1",
            fix="install it, or correct the name",
        )
    if found.unusable:
        raise PluginError(f"compiler {name!r} can't be used here", cause=found.unusable)
    return found


def _describe(plugin: Plugin) -> FoundCompiler | None:
    try:
        offered = offered_by(plugin)
        unusable = asked(plugin, lambda: unusable_reason(offered.probe()))
    except PluginError as error:
        quarantine(plugin, error if plugin.error is None else plugin.broken())
        return None
    tell_output(plugin)
    return FoundCompiler(plugin.name, offered, unusable)
