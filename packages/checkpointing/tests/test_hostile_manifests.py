"""Manifests that somebody made to harm, and sealed so that their digest fits, are refused with the right error; what is
accepted is right."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

import numpy as np
import pytest

from dovetail_checkpointing import MemoryFileSystem, restore, save, verify
from dovetail_checkpointing import open as open_checkpoint
from dovetail_protocols.errors import CheckpointCorruptError, CheckpointError

from .hostile import manifests
from .hostile.manifests import ACCEPTED, CHANGES, Case

PLACE = PurePath("c/manifest.json")


class Attacked:
    """A checkpoint whose manifest is replaced."""

    def __init__(self) -> None:
        self.storage = MemoryFileSystem()
        self.digest = save("c", manifests.tree(), file_system=self.storage).digest
        self.manifest = self.bytes_of(PLACE)

    def bytes_of(self, path: PurePath) -> bytes:
        file = self.storage.open_folder(path.parent).open(path.name)
        data = bytearray(file.size_bytes)
        file.read_into(0, memoryview(data))
        return bytes(data)

    def put(self, path: PurePath, data: bytes) -> None:
        self.storage.remove_file(path)
        self.storage.create(path, len(data)).write(data)

    def outcome(self, **options: Any) -> tuple[str, Any]:
        """The class of the error that restoring raises, or ACCEPTED and the tree."""
        try:
            return ACCEPTED, restore("c", file_system=self.storage, **options).tree
        except CheckpointError as error:
            return type(error).__name__, error


@pytest.fixture(scope="module")
def attacked() -> Attacked:
    return Attacked()


def arrays_in(tree: Any) -> Iterator[np.ndarray[Any, Any]]:
    """The arrays of a tree, which may hold itself."""
    waiting, seen = [tree], set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, np.ndarray):
            yield node
        elif isinstance(node, dict | list | tuple) and id(node) not in seen:
            seen.add(id(node))
            waiting += node.values() if isinstance(node, dict) else node


def test_the_sound_manifest_is_accepted(attacked: Attacked) -> None:
    attacked.put(PLACE, manifests.written(manifests.opened(attacked.manifest)))
    kind, tree = attacked.outcome(expected_digest=attacked.digest)
    assert kind == ACCEPTED
    assert tree["model"]["tied"] is tree["model"]["layers"][1]["kernel"]
    assert len(list(arrays_in(tree))) == 6


def test_there_are_hundreds_of_cases(attacked: Attacked) -> None:
    assert len(list(manifests.texts(attacked.manifest))) + len(CHANGES) >= 200
    assert len(list(manifests.replacements(attacked.manifest))) > 1500


def check(attacked: Attacked, case: Case) -> None:
    attacked.put(PLACE, case.data)
    kind, found = attacked.outcome()
    assert kind == case.outcome, found
    if kind != ACCEPTED:
        assert found.effect, found
        verified(attacked)


def verified(attacked: Attacked) -> None:
    """Neither verifying nor opening raises anything but a CheckpointError."""
    for call in (verify, open_checkpoint):
        try:
            call("c", file_system=attacked.storage)  # type: ignore[operator]
        except CheckpointError:
            continue


def test_hostile_text_is_refused(attacked: Attacked) -> None:
    for case in manifests.texts(attacked.manifest):
        check(attacked, case)


@pytest.mark.parametrize("case", CHANGES)
def test_a_changed_manifest_is_refused(attacked: Attacked, case: str) -> None:
    check(attacked, manifests.changed(attacked.manifest, case))


def test_whatever_stands_in_a_manifest_in_place_of_something_else_is_refused_or_right(attacked: Attacked) -> None:
    """A dtype may be another one of the same size, a name another name; but no values are made up, and nothing else
    than a CheckpointError is raised."""
    values = {array.tobytes() for array in arrays_in(manifests.tree())}
    accepted = []
    for name, data in manifests.replacements(attacked.manifest):
        attacked.put(PLACE, data)
        try:
            kind, tree = attacked.outcome()
        except Exception as error:  # the name of the case would not be seen otherwise
            raise AssertionError(f"{name}: {type(error).__name__}: {error}") from error
        if kind == ACCEPTED:
            accepted.append(name)
            assert all(array.tobytes() in values for array in arrays_in(tree)), name
        verified(attacked)
    assert len(accepted) < 250


# Data that agrees with its checksums, and is wrong all the same


def forged(attacked: Attacked, name: str, data: bytes) -> None:
    """A data file replaced, and what the manifest says of it made to fit."""
    from hashlib import sha256
    from zlib import crc32

    def describe(document: dict[str, Any]) -> None:
        (record,) = (one for one in document["files"] if one["name"] == name)
        start = 8 + int.from_bytes(data[:8], "little")
        record.update(bytes=len(data), data_start=start, sha256=sha256(data).hexdigest())
        record.update(header_sha256=sha256(data[:start]).hexdigest(), chunk_crc32=[f"{crc32(data[start:]):08x}"])

    document = manifests.opened(attacked.manifest)
    describe(document)
    attacked.put(PurePath("c", name), data)
    attacked.put(PLACE, manifests.written(document))


DATA = "data-00000-of-00001.safetensors"


def test_a_byte_that_is_neither_true_nor_false_is_refused() -> None:
    attacked = Attacked()
    data = attacked.bytes_of(PurePath("c", DATA))
    at = next(one[3][0][1] for one in manifests.opened(attacked.manifest)["tensors"] if one[0] == ["flags"])
    changed = bytearray(data)
    changed[4096 + at] = 2
    forged(attacked, DATA, bytes(changed))
    kind, found = attacked.outcome()
    assert kind == "CheckpointCorruptError", found
    assert "flags" in str(found)
    with (
        pytest.raises(CheckpointCorruptError, match="flags"),
        open_checkpoint("c", file_system=attacked.storage) as reader,
    ):
        reader.read("flags", slice(0, 2))


@pytest.mark.parametrize(
    ("old", "new"),
    [(b'"BOOL"', b'"U8"  '), (b'"flags"', b'"flagz"'), (b'"shape":[3]', b'"shape":[1]'), (b"}", b" ")],
)
def test_a_header_that_says_something_else_than_the_manifest_is_damage(old: bytes, new: bytes) -> None:
    """Another library would read something else there; who wants to be sure asks for "full", or pins a digest."""
    attacked = Attacked()
    data = attacked.bytes_of(PurePath("c", DATA))
    changed = data[:4096].replace(old, new, 1) + data[4096:]
    assert changed != data
    forged(attacked, DATA, changed)
    kind, found = attacked.outcome(verify="full")
    assert kind == "CheckpointCorruptError", found
    assert "its header says something else than the manifest" in str(found)
    assert not verify("c", "header", file_system=attacked.storage).is_sound
