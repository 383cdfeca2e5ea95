"""Checkpoints that releases wrote are read to the bit on any machine, by this package and by safetensors."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dovetail_checkpointing import open as open_checkpoint
from dovetail_checkpointing import restore, save, verify

from .byte_order import little_endian
from .golden.make import GOLDEN, write
from .golden.trees import TREES
from .safetensors_library import upstream

RELEASE = version("dovetail-checkpointing")
WRITTEN = [(path.parent.name, path.name) for path in sorted(GOLDEN.glob("*.*/*"))]
UPSTREAM = {"bool": "BOOL", "bfloat16": "BF16", "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2"}
"""The library's names of dtypes that aren't made of a letter and a number of bits."""

each = pytest.mark.parametrize(("release", "name"), WRITTEN)


def flat(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Leaves by path, to the bit; of a container, its type."""
    if isinstance(tree, dict | list | tuple):
        yield path, type(tree).__name__
        for key, child in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from flat(child, (*path, key))
    elif isinstance(tree, np.ndarray):
        yield path, (tree.dtype.name, tree.shape, little_endian(tree))
    else:
        yield path, (type(tree).__name__, struct.pack(">d", tree) if isinstance(tree, float) else tree)


def test_the_files_are_those_of_the_record_and_every_release_has_its_own() -> None:
    record = (GOLDEN / "PROVENANCE.md").read_text("utf-8")
    rows = re.findall(r"\| ([\d.]+) \| (\w+) \| `([0-9a-f]{64})` \|", record)
    assert sorted(row[:2] for row in rows) == WRITTEN
    assert {name for release, name in WRITTEN if release == RELEASE} == TREES.keys()
    for release, name, digest in rows:
        found = verify(GOLDEN / release / name)
        assert found.is_sound
        assert found.digest == digest


def test_the_same_trees_give_the_same_bytes(tmp_path: Path) -> None:
    write(tmp_path)
    files = {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {path.relative_to(GOLDEN / RELEASE) for path in (GOLDEN / RELEASE).rglob("*") if path.is_file()}
    for file in files:
        assert (tmp_path / file).read_bytes() == (GOLDEN / RELEASE / file).read_bytes()


@each
def test_every_value_is_read_to_the_bit(release: str, name: str) -> None:
    restored = restore(GOLDEN / release / name, verify="full")
    assert dict(flat(restored.tree)) == dict(flat(TREES[name]()))
    assert (restored.report.step, restored.report.metrics) == (7, {"loss": 0.25})


@pytest.mark.parametrize("release", {release for release, _ in WRITTEN})
def test_what_was_one_object_is_one_again(release: str) -> None:
    tree = restore(GOLDEN / release / "nodes").tree
    assert tree["tied"] is tree["layers"][0]["kernel"] is tree["layers"][1]["kernel"]
    assert tree["layers"][0] is tree["layers"][2]


@each
def test_each_tensor_is_read_alone_and_in_place(release: str, name: str) -> None:
    leaves = dict(flat(TREES[name]()))
    with open_checkpoint(GOLDEN / release / name) as reader:
        assert reader.manifest.writer == f"dovetail-checkpointing {release}"
        paths = [tensor.path for tensor in reader.manifest.tensors]
        paths += [path for path, target in reader.manifest.aliases.items() if target in paths]
        for path in paths:
            array = reader.read(path)
            assert (array.dtype.name, array.shape, little_endian(array)) == leaves[path]
    target = restore(GOLDEN / release / name).tree
    for leaf in arrays_of(target):
        leaf[...] = np.zeros((), leaf.dtype)
    assert dict(flat(restore(GOLDEN / release / name, target).tree)) == leaves


def arrays_of(tree: Any) -> Iterator[np.ndarray[Any, Any]]:
    if isinstance(tree, dict | list | tuple):
        for child in tree.values() if isinstance(tree, dict) else tree:
            yield from arrays_of(child)
    elif isinstance(tree, np.ndarray):
        yield tree


@each
def test_the_safetensors_library_reads_every_file_to_the_bit(release: str, name: str) -> None:
    theirs: dict[str, Any] = {}
    for file in sorted((GOLDEN / release / name).glob("*.safetensors")):
        theirs |= dict(upstream().deserialize(file.read_bytes()))
    leaves = dict(flat(TREES[name]()))
    with open_checkpoint(GOLDEN / release / name) as reader:
        paths = {"/".join(map(str, tensor.path)): tensor.path for tensor in reader.manifest.tensors}
    assert theirs.keys() == {tensor.replace("__metadata__", "./__metadata__") for tensor in paths}
    for tensor, path in paths.items():
        dtype, shape, expected = leaves[path]
        found = theirs[tensor.replace("__metadata__", "./__metadata__")]
        as_pairs = dtype == "complex128"  # which safetensors has no name for
        assert bytes(found["data"]) == expected
        assert tuple(found["shape"]) == (*shape, *([2] if as_pairs else []))
        letter, bits = ("F", 64) if as_pairs else (np.dtype(dtype).kind.upper(), np.dtype(dtype).itemsize * 8)
        assert found["dtype"] == UPSTREAM.get(dtype, f"{letter}{bits}")


@each
def test_what_is_saved_again_is_the_same(release: str, name: str, tmp_path: Path) -> None:
    save(tmp_path / name, restore(GOLDEN / release / name).tree)
    assert dict(flat(restore(tmp_path / name).tree)) == dict(flat(TREES[name]()))
