"""The public surface is what was reviewed."""

import dovetail_checkpointing

REVIEWED = [
    "Checkpoint",
    "LoadedMethod",
    "LoadedObject",
    "LoadedProgram",
    "LoadedSignature",
    "Manager",
    "Receipt",
    "Report",
    "RestoreStatus",
    "Restored",
    "bind",
    "export",
    "latest_checkpoint",
    "list_variables",
    "load_program",
    "restore",
    "save",
]


def test_public_surface_is_reviewed() -> None:
    assert dovetail_checkpointing.__all__ == REVIEWED
