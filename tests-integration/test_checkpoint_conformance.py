"""The checkpoint format passes the suite for formats that third parties use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dovetail_checkpointing
from dovetail_conformance import checkpoint_format_suite
from dovetail_modules import layers
from dovetail_optimizers import Adam
from dovetail_tensors import ones, random


def save(path: Path, tree: Any) -> None:
    dovetail_checkpointing.save(path, tree, overwrite=path.exists())


def restore(path: Path, tree: Any) -> Any:
    return dovetail_checkpointing.restore(path, tree).tree


def partial(path: Path, tree: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    report = dovetail_checkpointing.restore(path, tree, missing="keep", unexpected="ignore").report
    return report.missing, report.unexpected


def training() -> dict[str, Any]:
    """A model, its optimizer and a generator, built."""
    model, optimizer = layers.Sequential([layers.Dense(4), layers.BatchNormalization(), layers.Dropout(0.5)]), Adam()
    model(ones((2, 3)))
    optimizer.build(model.trainable_variables)
    return {"model": model, "optimizer": optimizer, "generator": random.Generator.from_seed(1)}


TestCheckpointing = checkpoint_format_suite(save, restore, partial=partial, objects={"a training": training})
