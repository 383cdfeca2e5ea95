"""Warnings of plug-ins, told at the line of the user's program that needed them, not at one of Dovetail's."""

from __future__ import annotations

import sys
import warnings

from ..errors import PluginWarning


def tell(text: str) -> None:
    """Warns of a plug-in, where the innermost code stands that isn't of one of Dovetail's packages."""
    frame = sys._getframe(1)
    while frame.f_back is not None and _is_ours(frame.f_globals.get("__name__", "")):
        frame = frame.f_back
    warnings.warn_explicit(
        text,
        PluginWarning,
        filename=frame.f_code.co_filename,
        lineno=frame.f_lineno,
        module=frame.f_globals.get("__name__"),
        registry=frame.f_globals.setdefault("__warningregistry__", {}),
    )


def _is_ours(module: str) -> bool:
    package = module.partition(".")[0]
    return package == "dovetail" or package.startswith("dovetail_")
