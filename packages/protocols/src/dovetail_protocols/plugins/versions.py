"""Whether this package and a plug-in speak the same protocol: one answer for every role that plug-ins play.

The version that a plug-in states is that of the protocol it was built against. Within a major everything that was
there stays, so any minor works with any other: an older one lacks optional members, a newer one has more of them than
anybody here asks for.
"""

from __future__ import annotations

from importlib import import_module

from ..errors import PluginError
from ..records import record
from .discovery import Plugin, quarantine
from .fence import asked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@record
class Role:
    """What the plug-ins of a group are: their `name` in messages, and the `members` that each must have.

    `module` of this package holds the PROTOCOL that is spoken here. A role whose objects need not state a version is at
    the first minor of the group's major.
    """

    name: str
    module: str
    members: tuple[str, ...]
    states_version: bool = True


ROLES = {
    "dovetail.kernels": Role("kernel package", "kernels", ("kernels", "operations", "probe")),
    "dovetail.compilers": Role("compiler", "compilers", ("claim", "compile", "probe")),
    "dovetail.devices": Role("device package", "devices", ("probe", "from_host", "to_host", "contiguous")),
    "dovetail.tensors": Role(
        "tensor package", "arrays", ("evaluate", "convert", "wrap", "variable", "is_array"), states_version=False
    ),
    "dovetail.autodiff": Role("autodiff package", "roles", ("value_and_gradients",), states_version=False),
    "dovetail.functions": Role("functions package", "functions", ("function",), states_version=False),
    "dovetail.communicators": Role(
        "communicator", "roles", ("rank", "world_size", "barrier", "gather", "broadcast"), states_version=False
    ),
}
"""Every role, by its group without the major."""


def offered_by(plugin: Plugin) -> Any:
    """What a plug-in offers, which is fit for its role.

    Raises: PluginError where it can't be imported, lacks members or speaks another protocol.
    """
    offered = plugin.load()
    problem = asked(plugin, lambda: protocol_problem(plugin, offered))
    if problem is not None:
        raise problem
    return offered


def sound(plugin: Plugin) -> Any | None:
    """What a plug-in offers, where that is fit for its role; else None, and the plug-in is set aside with a warning."""
    try:
        return offered_by(plugin)
    except PluginError as problem:
        quarantine(plugin, problem if plugin.error is None else plugin.broken())
        return None


def protocol_problem(plugin: Plugin, offered: Any) -> PluginError | None:
    """Why what a plug-in offers can't play the role of its group, or None: members that it lacks, a version that is
    none, or another major version of the role's protocol."""
    role = ROLES[plugin.group.rpartition(".")[0]]
    required = ("protocol", *role.members) if role.states_version else role.members
    missing = [member for member in required if not hasattr(offered, member)]
    spoken: tuple[int, int] = import_module(f"..{role.module}", __package__).PROTOCOL
    version = getattr(offered, "protocol", (int(plugin.group.rpartition(".v")[2]), 0))
    cause = f"{plugin.target} lacks {', '.join(missing)}" if missing else None
    if not missing and not (isinstance(version, tuple) and [type(part) for part in version] == [int, int]):
        cause = f"{plugin.target} has protocol = {version!r}, which is no (major, minor)"
    if cause is not None:
        fix = f"report it to the authors of {plugin.name!r}"
        return PluginError(f"plug-in {plugin} is no {role.name}", cause=cause, effect=plugin.loss, fix=fix)
    return None if version[0] == spoken[0] else other_major(plugin, version[0], spoken[0])


def other_major(plugin: Plugin, offered: int, spoken: int) -> PluginError:
    """The error for a plug-in of another major version than the one spoken here, with the side to upgrade."""
    subject = plugin.group.split(".")[1]
    role = ROLES.get(f"dovetail.{subject}")
    name = plugin.distribution
    newer = f"pip install -U dovetail-protocols, or an older {name}: '{name}<{plugin.version}'"
    return PluginError(
        f"plug-in {plugin} offers {role.name.partition(' ')[0] if role else subject} protocol {offered}; "
        f"this Dovetail speaks {spoken}",
        effect=plugin.loss,
        fix=newer if offered > spoken else f"pip install -U {name}",
    )


def set_aside_other_majors(group: str, declared: dict[str, list[Plugin]]) -> None:
    """Sets aside what stands in a group of another major (`dovetail.kernels.v2`) and not in `group` itself.

    A distribution may declare a name in several majors; here the one of `group` is used. Nothing is said of what the
    user excludes. `declared`: all groups.
    """
    from .policy import current_policy

    stem, _, spoken = group.rpartition(".v")
    here = {(plugin.name, plugin.distribution) for plugin in declared.get(group, ())}
    names = {name for name, _ in here}
    for other, plugins in declared.items():
        other_stem, _, major = other.rpartition(".v")
        if other_stem != stem or other == group or not (spoken.isdigit() and major.isdigit()):
            continue
        for plugin in plugins:
            if (plugin.name, plugin.distribution) not in here:
                key = plugin.key if plugin.name in names else f"{group}:{plugin.name}"
                excluded = plugin.name in current_policy().excluded
                quarantine(plugin, other_major(plugin, int(major), int(spoken)), key, silently=excluded)
