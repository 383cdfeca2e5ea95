"""Show packages, versions, protocols and plug-ins, what is missing, and how to get it."""

from __future__ import annotations

import argparse
import platform
import warnings
from difflib import get_close_matches
from importlib.metadata import PackageNotFoundError, version
from textwrap import fill, indent

from dovetail_protocols import kernel_packages
from dovetail_protocols import kernels as kernel_protocol
from dovetail_protocols.errors import PluginError, PluginWarning
from dovetail_protocols.plugins import Plugin, current_policy, find, probing, quarantined
from dovetail_protocols.plugins.discovery import declared
from dovetail_protocols.plugins.groups import GROUPS
from dovetail_protocols.plugins.probing import Probe
from dovetail_protocols.registry import all_operations

from ..parts import DISTRIBUTIONS
from .table import table


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", help="a plug-in, to see all that is known of it")
    parser.add_argument(
        "--timeout",
        type=float,
        default=probing.TIMEOUT_SECONDS,
        metavar="SECONDS",
        help="how long one plug-in may take (default: %(default)g)",
    )


def run(options: argparse.Namespace) -> int:
    """0 when nothing is broken, 1 otherwise. Missing packages are no fault: Dovetail works in parts.

    Plug-ins are tried in a process of their own, so one that crashes or hangs is named like any other that is broken.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PluginWarning)  # told below, in full
        plugins = [plugin for group in GROUPS for plugin in find(group)]
        strays = _strays()
    if options.name:
        return _one(options.name, plugins, strays, options.timeout)
    return _all(plugins, strays, options.timeout)


def _strays() -> list[tuple[str, str]]:
    """Names that are declared in groups which nobody reads, most often misspelled ones, and what to say of each."""
    stems = {group.rpartition(".v")[0]: group for group in GROUPS}  # other majors of these are told by `find`
    found = []
    for plugin in declared():
        if plugin.group.rpartition(".v")[0] in stems:
            continue
        near = get_close_matches(plugin.group, GROUPS, 1)
        message = PluginError(
            f"plug-in {plugin} is declared in {plugin.group}, which nobody reads",
            expected=None if near else ", ".join(GROUPS),
            effect="it is not used.",
            fix=f"did you mean {near[0]}? Correct {plugin.distribution}'s entry points and install it again"
            if near
            else f"correct the entry points of {plugin.distribution} and install it again",
        )
        found.append((plugin.name, str(message)))
    return found


def _all(plugins: list[Plugin], strays: list[tuple[str, str]], timeout_seconds: float) -> int:
    print(f"Python {platform.python_version()} on {platform.system()} {platform.machine()}")
    print(f"kernel protocol {'.'.join(map(str, kernel_protocol.PROTOCOL))}; policy: {_policy()}\n")
    print(table(("package", "version", "for", "how to get it"), [_package(name) for name in DISTRIBUTIONS]))
    probes = probing.probe(plugins, timeout_seconds)
    rows = [
        (plugin.name, GROUPS[plugin.group], plugin.distribution, plugin.version, _state(probes[plugin.key]))
        for plugin in plugins
    ]
    print()
    print(table(("plug-in", "role", "distribution", "version", "state"), rows))
    problems = [one.problem for one in probes.values() if one.is_fault] + [*quarantined().values()]
    problems += [message for _, message in strays]
    told = [text for one in probes.values() for text in one.told]
    for message in dict.fromkeys([*problems, *told]):
        print(f"\n{message}")
    return 1 if problems else 0


def _policy() -> str:
    policy = current_policy()
    parts = [*policy.preferred, *(f"-{name}" for name in sorted(policy.excluded))]
    return (",".join(parts) or "no preference") + (" only" if policy.only else "")


def _package(name: str) -> tuple[str, str, str, str]:
    try:
        return name, version(name), DISTRIBUTIONS[name], ""
    except PackageNotFoundError:
        return name, "missing", DISTRIBUTIONS[name], f"pip install {name}"


def _state(probe: Probe) -> str:
    if probe.is_fault:
        return f"{probe.state} (see below)"
    if probe.state == "unusable":
        return f"not usable here: {probe.detail}"
    return f"ready, {probe.detail}" if probe.detail else "ready"


def _one(name: str, plugins: list[Plugin], strays: list[tuple[str, str]], timeout_seconds: float) -> int:
    found = [plugin for plugin in plugins if plugin.name == name]
    set_aside = [message for key, message in quarantined().items() if key.rpartition(":")[2] == name]
    set_aside += [message for stray, message in strays if stray == name]
    if not found and not set_aside:
        names = sorted({plugin.name for plugin in plugins})
        raise PluginError(f"no plug-in {name!r} is installed", expected=", ".join(names) or "none are")
    for message in set_aside:
        print(message)
    probes = probing.probe(found, timeout_seconds, implementations=True)
    for plugin in found:
        _show(plugin, probes[plugin.key])
    return 1 if set_aside or any(probe.is_fault for probe in probes.values()) else 0


def _show(plugin: Plugin, probe: Probe) -> None:
    print(f"{plugin} in {plugin.group}: {_state(probe)}")
    print(f"  object: {plugin.target}\n  declared in: {plugin.location}\n  probed in {probe.seconds:.3f} s")
    for text in (probe.problem, *probe.told):
        if text:
            print(text)
    for title, text in (("printed", probe.output), ("traceback", probe.trace)):
        if text.strip():
            print(f"  {title}:\n{indent(text.rstrip(), '    ')}")
    if plugin.group == kernel_packages.GROUP and probe.state == "ready":
        print(_coverage(plugin))


def _coverage(plugin: Plugin) -> str:
    """Which operations of the standard a kernel package takes, and what becomes of the others."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PluginWarning)  # told by the probe
        package = kernel_packages.described(plugin.name)  # and no other, which might be broken
    specs = () if package is None else package.specs
    lines = []
    for device in sorted({spec.device for spec in specs}):
        taken = sorted({spec.operation.removeprefix("dovetail::") for spec in specs if spec.device == device})
        known = {operation.name for operation in all_operations()}
        others = len(known - {spec.operation for spec in specs if spec.device == device})
        lines.append(
            fill(f"on {device} it takes {', '.join(taken)}", 100, initial_indent="  ", subsequent_indent="    ")
        )
        if others:
            lines += [
                f"  the other {others} operations run there by other packages' kernels, or by decomposition",
                "  (counted by `dovetail explain SCRIPT`)",
            ]
    return "\n".join(lines)
