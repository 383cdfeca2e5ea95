"""The joints of Dovetail: every interface, the operation standard, dispatch, the graph, and plug-in discovery.

Importing this loads almost nothing; names are loaded when they are used.
"""

from __future__ import annotations

from importlib import import_module as _import_module

_HOMES = {
    "apply": "dispatch",
    "apply_under": "dispatch",
    "current": "dispatch",
    "interpreting": "dispatch",
    "evaluate": "graph",
    "Graph": "graph",
    "Node": "graph",
    "Value": "graph",
    "Constant": "graph",
    "State": "graph",
    "trace": "tracing",
    "Trace": "tracing",
    "Tracer": "tracing",
    "provider": "arrays",
    "use_provider": "arrays",
    "is_variable": "arrays",
    "DType": "dtypes",
    "dtype": "dtypes",
    "promote": "dtypes",
    "Device": "metas",
    "device": "metas",
    "TensorMeta": "metas",
    "Operation": "operation",
    "primitive": "operation",
    "composite": "operation",
    "find_operation": "registry",
    "all_operations": "registry",
    "KernelSpec": "kernels",
    "CallMeta": "kernels",
    "Unsupported": "kernels",
    "Claim": "compilers",
    "CompileOptions": "compilers",
    "Plugin": "plugins",
    "record": "records",
    "select": "selection",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    if name in _HOMES:
        # A function may share its module's name (`operation`), so it is bound here once it is loaded.
        found = getattr(_import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = found
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
