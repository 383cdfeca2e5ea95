"""The public surface is what was reviewed."""

import dovetail_optimizers

REVIEWED = [
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Lion",
    "Momentum",
    "Optimizer",
    "RMSProp",
    "clip_by_global_norm",
    "clip_by_norm",
    "clip_by_value",
    "global_norm",
    "schedules",
]


def test_public_surface_is_reviewed() -> None:
    assert dovetail_optimizers.__all__ == REVIEWED
