"""JSON documents that end with their own SHA-256: `root`, the last member, is the digest of the document without it.

What is read back is plain data without floats; no key stands twice.
"""

from __future__ import annotations

import json
import re
from hashlib import sha256
from typing import Any

_ROOT = re.compile(rb',"root":"([0-9a-f]{64})"\}')
_ROOT_BYTES = len(b',"root":""}') + 64


def seal(document: dict[str, Any], *, sort_keys: bool) -> tuple[bytes, str]:
    """The bytes of a document, and its digest. Equal documents (with `sort_keys` in any order) have equal bytes."""
    body = json.dumps(document, sort_keys=sort_keys, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    data = body.encode()
    root = sha256(data).hexdigest()
    return data[:-1] + b',"root":"' + root.encode() + b'"}', root


def unseal(data: bytes) -> tuple[dict[str, Any], str]:
    """The document of such bytes, and its digest.

    Raises: ValueError where they aren't what was sealed; RecursionError for nesting without end.
    """
    tail = _ROOT.fullmatch(data[-_ROOT_BYTES:])
    if tail is None:
        raise ValueError("it does not end with its digest: it is cut off, or something else")
    root = tail[1].decode()
    digest = sha256(memoryview(data)[:-_ROOT_BYTES])
    digest.update(b"}")
    if digest.hexdigest() != root:
        raise ValueError("its digest differs from the one it states")
    text = str(data, "utf-8")  # json would take other encodings too, and halves of surrogate pairs
    document = json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant, parse_float=_no_constant)
    if type(document) is not dict:
        raise ValueError("it is no JSON object")
    del document["root"]
    return document, root


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text[:40]} stands where no float may")
