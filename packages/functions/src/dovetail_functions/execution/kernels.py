"""Kernels and wrappers as programs call them, bound once through the tensor package."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dovetail_protocols.arrays import provider
from dovetail_protocols.errors import PluginError
from dovetail_protocols.graph import Node
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.roles import SupportsPrograms
from dovetail_protocols.selection import Selection


def bound_kernel(node: Node, chosen: Selection) -> tuple[Callable[..., Any], str]:
    """The kernel chosen for a node as one calls it with buffers, and its name, "package/id".

    Raises: PluginError where a kernel takes contiguous buffers only, and the tensor package can't make them.
    """
    assert chosen.kernel is not None  # a node without one was decomposed
    assert chosen.chosen is not None
    spec = chosen.chosen.spec
    name = f"{chosen.chosen.package}/{spec.id}"
    tensors = provider()
    if isinstance(tensors, SupportsPrograms):
        return tensors.bound_kernel(chosen, node.operation, node.attributes), name
    if "strided" not in spec.layouts:
        raise PluginError(
            f"kernel {name} takes contiguous buffers only",
            cause=f"{type(tensors).__name__} doesn't offer SupportsPrograms, which would make them",
            fix=f"set DOVETAIL_KERNELS=-{chosen.chosen.package}, or use another tensor package",
        )
    return chosen.kernel, name


def wrapper(meta: TensorMeta) -> Callable[[Any], Any]:
    """What makes an array of a buffer of that dtype on that device."""
    tensors = provider()
    if isinstance(tensors, SupportsPrograms):
        return tensors.wrapper(meta)
    return lambda buffer: tensors.wrap(buffer, meta)
