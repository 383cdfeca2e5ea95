"""A program put on another device than the one it was traced for, before anything is made of it."""

from __future__ import annotations

from typing import Any

from dovetail_protocols.errors import DovetailError
from dovetail_protocols.metas import CPU, Device
from dovetail_protocols.registry import find_operation


def placed(read: Any, target: Device) -> Any:
    """Part of a program's document with all of its arrays on one device: variables, values and constants of graphs, and
    what operations make anew. The document itself stays as it is.

    Raises: RecursionError for nesting without end.
    """
    if type(read) is list:
        return [placed(item, target) for item in read]
    if type(read) is not dict:
        return read
    moved = {name: placed(item, target) for name, item in read.items()}
    if type(moved.get("device")) is str:  # of a variable, a value, or an attribute that is a device
        moved["device"] = str(target)
    attributes = moved.get("attributes")
    if type(attributes) is dict and attributes.get("device", ...) is None and target != CPU and _makes_arrays(moved):
        attributes["device"] = {"device": str(target)}
    return moved


def _makes_arrays(node: dict[str, Any]) -> bool:
    """Whether a node's operation has no operands, so that only its `device` says where its result is: None, the CPU."""
    try:
        return not find_operation(node["operation"], node["version"]).operands
    except (DovetailError, LookupError, TypeError, AttributeError):  # for those who read the node to complain about
        return False
