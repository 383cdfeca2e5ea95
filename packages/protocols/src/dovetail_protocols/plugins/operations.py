"""Operations that kernel packages bring."""

from __future__ import annotations


def load_plugin_operations() -> None:
    """Registers the operations of every kernel package that can be loaded. Broken packages are set aside."""
    from ..selection import packages

    packages()
