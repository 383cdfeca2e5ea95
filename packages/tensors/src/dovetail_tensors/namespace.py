"""What the array API's namespace says of itself. Source: array API 2024.12, Inspection."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from dovetail_protocols import dtypes as dt
from dovetail_protocols.errors import AttributeValueError
from dovetail_protocols.metas import CPU, Device

from .devices import current_device, devices
from .dtype_functions import isdtype

API_VERSION = "2024.12"
_STANDARD = tuple(
    known
    for known in dt.ALL
    if known.name != "bfloat16" and not known.name.startswith("float8") and known.name != "float16"
)


def array_namespace(api_version: str | None = None) -> Any:
    """The module that has the array API's functions.

    Raises: AttributeValueError for a version that it doesn't have.
    """
    if api_version is not None and api_version not in ("2021.12", "2022.12", "2023.12", API_VERSION):
        raise AttributeValueError(
            f"this namespace does not follow version {api_version!r} of the array API",
            expected=f"at most {API_VERSION}",
            got=repr(api_version),
        )
    return import_module("dovetail_tensors")


class NamespaceInfo:
    """Abilities, devices and dtypes of the namespace."""

    def capabilities(self) -> dict[str, Any]:
        """What the standard leaves open."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> Device:
        """Where tensors are made when nothing else is said."""
        return current_device()

    def default_dtypes(self, *, device: Device | None = None) -> dict[str, dt.DType]:
        """The dtypes of Python numbers and of indices."""
        return {
            "real floating": dt.DEFAULT_FLOATING,
            "complex floating": dt.DEFAULT_COMPLEX,
            "integral": dt.DEFAULT_INTEGER,
            "indexing": dt.DEFAULT_INDEX,
        }

    def dtypes(self, *, device: Device | None = None, kind: Any = None) -> dict[str, dt.DType]:
        """The standard's dtypes, all of one kind, or of several. Dovetail has more: float16, bfloat16 and float8."""
        return {known.name: known for known in _STANDARD if kind is None or isdtype(known, kind)}

    def devices(self) -> list[Device]:
        """The devices that can be used on this machine."""
        return devices() or [CPU]


def __array_namespace_info__() -> NamespaceInfo:
    """Abilities, devices and dtypes of the namespace."""
    return NamespaceInfo()
