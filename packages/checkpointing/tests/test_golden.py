"""Checkpoints that were written once are read to the bit, by this package and by the safetensors library."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors

from dovetail_checkpointing import open as open_checkpoint
from dovetail_checkpointing import restore, save, verify

from .golden.trees import TREES

GOLDEN = Path(__file__).parent / "golden"
FOLDER = GOLDEN / "version-2"
UPSTREAM = {"bool": "BOOL", "bfloat16": "BF16", "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2"}
"""The library's names of dtypes that aren't made of a letter and a number of bits."""


def flat(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Leaves by path; of a container, its type."""
    if isinstance(tree, dict | list | tuple):
        yield path, type(tree).__name__
        for key, child in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from flat(child, (*path, key))
    elif isinstance(tree, np.ndarray):
        yield path, (tree.dtype.name, tree.shape, tree.tobytes())
    else:
        yield path, (type(tree).__name__, tree.hex() if isinstance(tree, float) else tree)


def test_the_files_are_those_of_the_record() -> None:
    recorded = dict(re.findall(r"\| (\w+) \| `([0-9a-f]{64})` \|", (GOLDEN / "PROVENANCE.md").read_text("utf-8")))
    assert recorded.keys() == TREES.keys() == {path.name for path in FOLDER.iterdir()}
    for name, digest in recorded.items():
        found = verify(FOLDER / name)
        assert found.is_sound
        assert found.digest == digest


@pytest.mark.parametrize("name", TREES)
def test_every_value_is_read_to_the_bit(name: str) -> None:
    restored = restore(FOLDER / name, verify="full")
    assert dict(flat(restored.tree)) == dict(flat(TREES[name]()))
    assert (restored.report.step, restored.report.metrics) == (7, {"loss": 0.25})


def test_what_was_one_object_is_one_again() -> None:
    tree = restore(FOLDER / "nodes").tree
    assert tree["tied"] is tree["layers"][0]["kernel"] is tree["layers"][1]["kernel"]
    assert tree["layers"][0] is tree["layers"][2]


@pytest.mark.parametrize("name", TREES)
def test_each_tensor_is_read_alone_and_in_place(name: str) -> None:
    tree = TREES[name]()
    with open_checkpoint(FOLDER / name) as reader:
        leaves = dict(flat(tree))
        paths = [tensor.path for tensor in reader.manifest.tensors]
        paths += [path for path, target in reader.manifest.aliases.items() if target in paths]
        for path in paths:
            array = reader.read(path)
            assert (array.dtype.name, array.shape, array.tobytes()) == leaves[path]
    assert dict(flat(restore(FOLDER / name, tree).tree)) == dict(flat(TREES[name]()))


@pytest.mark.parametrize("name", TREES)
def test_the_safetensors_library_opens_every_file(name: str) -> None:
    upstream = {}
    for file in sorted((FOLDER / name).glob("*.safetensors")):
        upstream |= dict(safetensors.deserialize(file.read_bytes()))
    with open_checkpoint(FOLDER / name) as reader:
        aliases = {"/".join(map(str, path)) for path in reader.manifest.aliases}
        ours = {tensor: reader.read(tensor) for tensor in reader.tensors if tensor not in aliases}
    assert upstream.keys() == {tensor.replace("__metadata__", "./__metadata__") for tensor in ours}
    for tensor, array in ours.items():
        found = upstream[tensor.replace("__metadata__", "./__metadata__")]
        as_pairs = array.dtype == np.complex128  # which safetensors has no name for
        assert bytes(found["data"]) == array.tobytes()
        assert tuple(found["shape"]) == (*array.shape, *([2] if as_pairs else []))
        bits = 64 if as_pairs else array.dtype.itemsize * 8
        plain = ("F" if as_pairs else array.dtype.kind.upper()) + str(bits)
        assert found["dtype"] == UPSTREAM.get(array.dtype.name, plain)


@pytest.mark.parametrize("name", TREES)
def test_what_is_saved_again_is_the_same(name: str, tmp_path: Path) -> None:
    save(tmp_path / name, restore(FOLDER / name).tree)
    assert dict(flat(restore(tmp_path / name).tree)) == dict(flat(TREES[name]()))
