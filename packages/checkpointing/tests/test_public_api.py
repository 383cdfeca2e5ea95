"""The public surface is what was reviewed."""

import dovetail_checkpointing

REVIEWED = [
    "Checkpoint",
    "Manager",
    "Receipt",
    "Report",
    "RestoreStatus",
    "Restored",
    "bind",
    "latest_checkpoint",
    "list_variables",
    "restore",
    "save",
]


def test_public_surface_is_reviewed() -> None:
    assert dovetail_checkpointing.__all__ == REVIEWED
