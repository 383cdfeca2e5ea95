"""The package that traces functions, if one is installed."""

from __future__ import annotations

from typing import Any

from dovetail_protocols.errors import PluginError
from dovetail_protocols.functions import FunctionMaker
from dovetail_protocols.plugins import find
from dovetail_protocols.plugins.versions import sound

GROUP = "dovetail.functions.v1"


def maker() -> FunctionMaker | None:
    """The package in the group `dovetail.functions.v1`, or None where none is installed. A broken one is set aside.

    Raises: PluginError where there are several.
    """
    offered: list[tuple[Any, Any]] = [(plugin, sound(plugin)) for plugin in find(GROUP)]
    fit = [(plugin, one) for plugin, one in offered if one is not None]
    if len(fit) > 1:
        raise PluginError(
            "several packages that trace functions are installed",
            got=", ".join(str(plugin) for plugin, _ in fit),
            fix="uninstall one, or pass load_program(..., function=) what shall wrap the loaded functions",
        )
    return fit[0][1] if fit else None
