"""program.json: what an export holds. JSON without code and without class names; its last member is the SHA-256 of all
that stands before it, by which the weights and assets beside it are tied to it too.

docs/programs.md describes each member.
"""

from __future__ import annotations

import re
from typing import Any

from dovetail_protocols.errors import CheckpointCorruptError, CheckpointVersionError

from ..sealed_json import seal, unseal

FORMAT, VERSION = "dovetail-program", 1
NAME, WEIGHTS, ASSETS = "program.json", "variables", "assets"
ASSET_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,254}")


def seal_program(document: dict[str, Any]) -> tuple[bytes, str]:
    """The file of a document, and its digest. Members keep their order: that of a node's attributes has a meaning."""
    return seal(document, sort_keys=False)


def unseal_program(data: bytes, where: object) -> tuple[dict[str, Any], str]:
    """The document of a file, and its digest.

    Raises: CheckpointCorruptError where it isn't what was written; CheckpointVersionError for a newer version.
    """
    try:
        document, digest = unseal(data)
        version = document.get("version")
        if document.get("format") != FORMAT:
            raise ValueError(f"its format is {document.get('format')!r:.80}")
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
