"""The public surface is what was reviewed."""

import dovetail_checkpointing

REVIEWED = [
    "ABSENT",
    "Checkpoint",
    "Comparison",
    "Damage",
    "FileSystem",
    "Limits",
    "LoadedMethod",
    "LoadedObject",
    "LoadedProgram",
    "LoadedSignature",
    "LocalFileSystem",
    "Manager",
    "MemoryFileSystem",
    "PendingSave",
    "Reader",
    "Receipt",
    "Report",
    "RestoreStatus",
    "Restored",
    "ResumableIterator",
    "TensorDifference",
    "TensorInfo",
    "ValueDifference",
    "Verification",
    "best",
    "bind",
    "compare",
    "every",
    "export",
    "last",
    "latest_checkpoint",
    "list_variables",
    "load_program",
    "migration",
    "open",
    "quarantine",
    "restore",
    "save",
    "save_async",
    "verify",
]


def test_public_surface_is_reviewed() -> None:
    assert dovetail_checkpointing.__all__ == REVIEWED
