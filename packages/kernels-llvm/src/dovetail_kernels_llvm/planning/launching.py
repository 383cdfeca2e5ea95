"""The launches of clusters, products, operations and copies on the views that a plan gives them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..kernels.cluster import Cluster
from ..kernels.kernel import Launch, View
from .context import Context
from .macros import PRODUCTS, Macro
from .ops import Op
from .templates import Allocate, launches


def launch_copy(context: Context, source: View, target: View) -> list[Launch]:
    """Copies the elements of one view to another of equal shape."""
    from ..kernels.copies import copy_launches

    def write(views: Any, allocate: Allocate) -> list[Launch]:
        return copy_launches(context.isa, *views)

    return launches(context, "copy", (source, target), write)


def launch_fill(context: Context, target: View, number: Any) -> list[Launch]:
    """Writes a number to every element of a view."""
    from ..kernels.copies import fill_launches

    def write(view: Any, allocate: Allocate) -> list[Launch]:
        return fill_launches(context.isa, view, number)

    return launches(context, ("fill", repr(number)), target, write)


def launch_cluster(context: Context, cluster: Cluster) -> list[Launch]:
    """Computes a cluster by itself."""
    from ..kernels.clusters import cluster_launches

    def write(form: Any, allocate: Allocate) -> list[Launch]:
        return cluster_launches(context.isa, form, allocate)

    return launches(context, "cluster", cluster, write)


def launch_product(context: Context, op: Op, operands: Sequence[View], epilogue: Cluster) -> list[Launch]:
    """Computes a product, and a cluster on its result."""
    product = PRODUCTS[op.name]

    def write(form: Any, allocate: Allocate) -> list[Launch]:
        inner, cluster = form
        return product.launches(context.isa, op, inner, cluster, allocate)

    return launches(context, _key(op), (tuple(operands), epilogue), write)


def launch_macro(
    context: Context, macro: Macro, op: Op, inputs: Sequence[View | None], outputs: Sequence[View]
) -> list[Launch]:
    """Computes an operation with kernels of its own."""

    def write(form: Any, allocate: Allocate) -> list[Launch]:
        given, written = form
        return macro.launches(context.isa, op, given, written, allocate)

    return launches(context, _key(op), (tuple(inputs), tuple(outputs)), write)


def _key(op: Op) -> Any:
    return op.name, tuple((name, repr(value)) for name, value in op.attributes.items())
