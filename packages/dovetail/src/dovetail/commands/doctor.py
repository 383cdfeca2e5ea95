"""Show packages, versions, protocols and plug-ins, what is missing, and how to get it."""

from __future__ import annotations

import argparse
import platform
import warnings
from importlib.metadata import PackageNotFoundError, version

from dovetail_protocols import kernels as kernel_protocol
from dovetail_protocols import selection
from dovetail_protocols.errors import PluginError, PluginWarning
from dovetail_protocols.plugins import Plugin, current_policy, find, quarantined

from ..parts import DISTRIBUTIONS
from .table import table

GROUPS = {
    "dovetail.tensors.v1": "tensors",
    "dovetail.kernels.v1": "kernels",
    "dovetail.devices.v1": "device",
    "dovetail.compilers.v1": "compiler",
    "dovetail.autodiff.v1": "autodiff",
    "dovetail.communicators.v1": "communicator",
}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", help="a plug-in, to see all that is known of it")


def run(options: argparse.Namespace) -> int:
    """0 when nothing is broken, 1 otherwise. Missing packages are no fault: Dovetail works in parts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PluginWarning)  # told below, in full
        return _one(options.name) if options.name else _all()


def _all() -> int:
    print(f"Python {platform.python_version()} on {platform.system()} {platform.machine()}")
    print(f"kernel protocol {'.'.join(map(str, kernel_protocol.PROTOCOL))}; policy: {_policy()}\n")
    print(table(("package", "version", "for", "how to get it"), [_package(name) for name in DISTRIBUTIONS]))
    rows = [_plugin_row(plugin) for group in GROUPS for plugin in find(group)]
    print()
    print(table(("plug-in", "role", "distribution", "version", "state"), rows))
    problems = quarantined()
    for message in problems.values():
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


def _plugin_row(plugin: Plugin) -> tuple[str, str, str, str, str]:
    return plugin.name, GROUPS[plugin.group], plugin.distribution, plugin.version, _state(plugin)


def _state(plugin: Plugin) -> str:
    try:
        plugin.load()
    except PluginError:
        return "broken (see below)"
    if plugin.group != "dovetail.kernels.v1":
        return "ready"
    package = selection.packages().get(plugin.name)
    if package is None:
        return "set aside (see below)"
    return f"not usable here: {package.unusable}" if package.unusable else f"ready, {len(package.specs)} kernels"


def _one(name: str) -> int:
    found = [plugin for group in GROUPS for plugin in find(group) if plugin.name == name]
    if not found:
        names = sorted({plugin.name for group in GROUPS for plugin in find(group)})
        raise PluginError(f"no plug-in {name!r} is installed", expected=", ".join(names) or "none are")
    broken = False
    for plugin in found:
        state = _state(plugin)
        print(f"{plugin} in {plugin.group}: {state}\n  object: {plugin.target}\n  declared in: {plugin.location}")
        if plugin.error is not None:
            broken = True
            print(str(plugin.broken()))
            print("  traceback:\n" + _traceback(plugin.error))
        elif f"{plugin.group}:{plugin.name}" in quarantined():
            broken = True
            print(quarantined()[f"{plugin.group}:{plugin.name}"])
    return 1 if broken else 0


def _traceback(error: BaseException) -> str:
    import traceback

    return "".join(f"    {line}" for line in traceback.format_exception(error))
