"""Files of strangers are refused by the rule that they break, before anything large is allocated."""

from __future__ import annotations

import tracemalloc
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dovetail_checkpointing.interchange import ForeignLimits

from .hostile import hdf5, pytorch, safetensors, zips
from .hostile.hostile import Hostile

CORPORA = {
    "safetensors_files": safetensors.FILES,
    "huggingface_indexes": safetensors.INDEXES,
    "numpy_archives": zips.FILES,
    "pytorch_files": pytorch.FILES,
    "keras_files": hdf5.FILES,
}
EVERY = [(module, name, hostile) for module, files in CORPORA.items() for name, hostile in files.items()]
MOST_BYTES = 64 << 20


def read_whole(module: str, path: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Every array of a file, read in this process."""
    reading = import_module(f"dovetail_checkpointing.interchange.{module}").reading
    with reading(path, ForeignLimits(arrays=20_000)) as contents:
        return {name: array.read() for name, array in contents.arrays.items()}


@pytest.mark.parametrize(("module", "name", "hostile"), EVERY, ids=[f"{module}: {name}" for module, name, _ in EVERY])
def test_hostile_file_is_refused_by_the_rule_that_it_breaks(
    module: str, name: str, hostile: Hostile, tmp_path: Path
) -> None:
    path = hostile.make(tmp_path)
    tracemalloc.start()
    try:
        with pytest.raises(hostile.error) as caught:
            read_whole(module, path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert type(caught.value) is hostile.error
    assert hostile.says in str(caught.value)
    assert peak < MOST_BYTES


def test_the_corpus_is_as_large_as_was_promised() -> None:
    assert len(EVERY) >= 170
