"""program.json: what an export holds. JSON without code and without class names; its last member is the SHA-256 of all
that stands before it, by which the weights and assets beside it are tied to it too.

docs/programs.md describes each member.
"""

from __future__ import annotations

import json
import re
from hashlib import sha256
from typing import Any

from dovetail_protocols.errors import CheckpointCorruptError, CheckpointVersionError

FORMAT, VERSION = "dovetail-program", 1
NAME, WEIGHTS, ASSETS = "program.json", "variables", "assets"
LIMIT_BYTES = 256 << 20
"""The most that a program file may have, constants of its graphs included, unless the caller says otherwise."""
ASSET_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,254}")
_SEAL = re.compile(rb',"root":"([0-9a-f]{64})"\}')
_SEAL_BYTES = len(b',"root":""}') + 64


def seal(document: dict[str, Any]) -> tuple[bytes, str]:
    """The file of a document, and its digest. Members keep their order: that of a node's attributes has a meaning."""
    body = json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    digest = sha256(body).hexdigest()
    return body[:-1] + f',"root":"{digest}"}}'.encode(), digest


def unseal(data: bytes, where: object) -> tuple[dict[str, Any], str]:
    """The document of a file, and its digest.

    Raises: CheckpointCorruptError where it isn't what was written; CheckpointVersionError for a newer version.
    """
    try:
        document, digest = _document(data)
        if document.get("format") != FORMAT:
            raise ValueError(f"its format is {document.get('format')!r:.80}")
        version = document.get("version")
        if type(version) is not int or version < 1:
            raise ValueError(f"its version is {version!r:.80}")
    except (ValueError, RecursionError) as error:
        raise corrupt(where, str(error)) from error
    if version > VERSION:
        raise CheckpointVersionError(
            f"this program needs a reader of version {version}",
            where=where,
            expected=f"at most {VERSION}",
            got=f"version {version}, written by {str(document.get('writer'))[:80]!r}",
            effect="nothing was loaded",
            fix="pip install -U dovetail-checkpointing",
        )
    return document, digest


def corrupt(where: object, cause: str) -> CheckpointCorruptError:
    """The error for an export that isn't what was written."""
    return CheckpointCorruptError(
        "an exported program is damaged", where=where, cause=cause, effect="nothing was loaded", fix="export it anew"
    )


def _document(data: bytes) -> tuple[dict[str, Any], str]:
    found = _SEAL.fullmatch(data[-_SEAL_BYTES:])
    if found is None:
        raise ValueError("it does not end with its digest: it is cut off, or no program")
    digest = sha256(memoryview(data)[:-_SEAL_BYTES])
    digest.update(b"}")
    if digest.hexdigest().encode() != found[1]:
        raise ValueError("its digest differs from the one it states")
    document = json.loads(data, object_pairs_hook=_no_twins, parse_constant=_no_number, parse_float=_no_number)
    if type(document) is not dict:
        raise ValueError("it is no JSON object")
    del document["root"]
    return document, found[1].decode()


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_number(text: str) -> Any:
    raise ValueError(f"{text:.40} is no number that a program holds")
