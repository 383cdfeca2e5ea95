"""The public surface is what was reviewed."""

import dovetail_checkpointing

REVIEWED = [
    "Checkpoint",
    "every",
    "last",
    "latest_checkpoint",
    "list_variables",
    "migration",
    "open",
