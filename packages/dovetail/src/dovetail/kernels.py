"""Kernel packages as users meet them: `dt.kernels.list()`, `use`, `explain`, `uses`, `fallbacks`, `refresh`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dovetail_protocols import registry, selection
from dovetail_protocols.arrays import meta_of
from dovetail_protocols.compilers import SupportsThreads
from dovetail_protocols.errors import PluginError
from dovetail_protocols.kernel_packages import summary
from dovetail_protocols.operation import Operation
from dovetail_protocols.plugins import current_policy, quarantined, refresh, use
from dovetail_protocols.plugins.discovery import find
from dovetail_protocols.plugins.versions import sound
from dovetail_protocols.usage import fallbacks, uses

__all__ = ["explain", "fallbacks", "list", "refresh", "threads", "use", "uses"]


def list() -> Mapping[str, str]:
    """Every kernel package found, by name: what it offers, or why it isn't used."""
    found = {name: _summary(package) for name, package in selection.packages().items()}
    for name in current_policy().excluded & {plugin.name for plugin in find(selection.GROUP)}:
        found[name] = "excluded by the user"
    for key, message in quarantined().items():
        found.setdefault(key.rpartition(":")[2], f"set aside: {message.splitlines()[0]}")
    return found


def _summary(package: selection.Package) -> str:
    if package.unusable:
        return f"not usable here: {package.unusable}"
    return f"{package.plugin.distribution} {package.plugin.version}: {summary(package.specs)}"


def explain(operation: str | Operation, *operands: Any, **attributes: Any) -> str:
    """Which kernel a call would use, and why not the others: `explain("matmul", a, b)`.

    Operands are arrays, variables, or anything that converts to an array; nothing is computed.

    Raises: what the call itself would raise for invalid operands, and UnknownOperationError.
    """
    found = registry.find_operation(operation) if isinstance(operation, str) else operation
    bound, complete = found.bind(operands, attributes)
    return selection.explain(found, tuple(meta_of(operand) for operand in bound), complete)


def threads(count: int | None = None) -> int:
    """On how many threads compiled functions run. With a `count`, from the next call on they run on so many, in the
    whole process; results don't depend on it, to the bit.

    Without one, it is what was set last, else DOVETAIL_NUM_THREADS, else the number of CPUs that this process may use.

    Raises: PluginError where no compiler with threads is installed; AttributeValueError for no whole number from 1 on.
    """
    offered = [sound(plugin) for plugin in find("dovetail.compilers.v1")]
    threaded = [compiler for compiler in offered if isinstance(compiler, SupportsThreads)]
    if not threaded:
        raise PluginError(
            "no compiler that runs on several threads is installed", fix="pip install dovetail-kernels-llvm"
        )
    if count is not None:
        for compiler in threaded:
            compiler.set_thread_count(count)
    return max(compiler.thread_count() for compiler in threaded)
