"""Dovetail, all of it under one name: `import dovetail as dt`.

Names are loaded when they are first used, each from the package that owns it; `names.py` says which. A name whose
package isn't installed raises an ImportError that gives the command to install it.
"""

from __future__ import annotations

from importlib import import_module as _import_module

from .names import OWNERS as _OWNERS
from .parts import MODULES as _MODULES

__version__ = "0.1.0"

__all__ = sorted([*_MODULES, *_OWNERS, "__version__"])


def __getattr__(name: str) -> object:
    if name in _MODULES:
        found: object = _load(_MODULES[name], name)
    elif name in _OWNERS:
        found = getattr(_load(_OWNERS[name], name), name)
    else:
        raise AttributeError(f"module 'dovetail' has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__


def _load(module: str, name: str) -> object:
    try:
        return _import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if error.name != package:
            raise  # the package is there, but something that it needs isn't: that error says what
        from dovetail_protocols.errors import MissingPackageError

        distribution = package.replace("_", "-")
        raise MissingPackageError(
            f"dovetail.{name} needs the package {distribution}, which is not installed",
            fix=f"pip install {distribution}",
        ) from error
