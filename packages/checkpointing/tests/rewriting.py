"""Checkpoints whose manifest somebody changed, and sealed again so that its digest fits."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"


def sealed(body: bytes) -> bytes:
    """JSON text as a manifest ends: with the digest of what is before."""
    return body[:-1] + b',"root":"' + sha256(body).hexdigest().encode() + b'"}'


def sealed_document(document: Any) -> bytes:
    return sealed(json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())


def document_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
    del found["root"]
    return found


def rewrite(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Changes a checkpoint's manifest."""
    document = document_of(folder)
    change(document)
    (folder / MANIFEST).write_bytes(sealed_document(document))
