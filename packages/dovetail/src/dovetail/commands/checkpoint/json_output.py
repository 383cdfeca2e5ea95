"""JSON that any parser takes: no NaN and no infinity as numbers, no character that is not ASCII."""

from __future__ import annotations

import json
import math
from base64 import b64encode
from collections.abc import Mapping
from typing import Any


def print_json(document: Mapping[str, Any]) -> None:
    """Prints a document; floats that are no numbers become "nan", "inf" and "-inf"."""
    print(json.dumps(_finite(document), indent=1, allow_nan=False))


def scalar_document(value: Any) -> dict[str, str]:
    """A scalar with its type, its value as text so that none loses a bit: integers decimal, floats as Python writes
    them, bytes in base 64."""
    text = b64encode(value).decode("ascii") if isinstance(value, bytes) else str(value)
    return {"type": type(value).__name__, "value": text}


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _finite(child) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(child) for child in value]
    return value
