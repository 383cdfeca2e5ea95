"""Exported programs that are damaged, mixed or made to harm: each is refused with a typed error, and nothing half is
left where an export fails."""

from __future__ import annotations

import copy
import errno
import hashlib
import json
import os
import shutil
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dovetail as dt
from dovetail_checkpointing import Limits, LocalFileSystem, export, load_program
from dovetail_checkpointing.sealed_json import seal
from dovetail_protocols import errors

REFUSALS = (errors.CheckpointError, errors.GraphError)


class Small(dt.Module):
    """A module with all that a program file may hold: open sizes, a loop, a constant, an alias, a scalar below it."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.w = dt.Variable(np.random.default_rng(seed).normal(size=(3, 2)).astype(np.float32), name="w")
        self.parts = [self.w, dt.Variable(0, name="count", trainable=False)]
        self.generator = dt.random.Generator(seed)

    @dt.function(input_signature=[dt.TensorSpec([None, 3])])
    def __call__(self, x: Any, scale: float = 1.5) -> Any:
        self.parts[1].assign_add(1)
        y = dt.fori_loop(0, 3, lambda i, y: y + x @ self.w, dt.zeros((x.shape[0], 2)))
        return {"y": [y * scale + dt.constant([1.0, 2.0]), None]}


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two exports of one structure, `one` and `other`."""
    folder = tmp_path_factory.mktemp("exports")
    for seed, name in enumerate(("one", "other")):
        export(folder / name, Small(seed), (lambda x: x * 2.0, [dt.TensorSpec([2])]), assets={"a.txt": name.encode()})
    return folder


@pytest.fixture
def one(exports: Path, tmp_path: Path) -> Path:
    return shutil.copytree(exports / "one", tmp_path / "one")


def document_of(folder: Path) -> Any:
    document = json.loads((folder / "program.json").read_bytes())
    del document["root"]
    return document


def reseal(folder: Path, document: Any) -> None:
    data, _ = seal(document, sort_keys=False)
    (folder / "program.json").write_bytes(data)


def test_an_export_that_nobody_touched_loads(one: Path) -> None:
    reseal(one, document_of(one))
    loaded = load_program(one)
    assert loaded([[1.0, 2.0, 3.0]])["y"][1] is None
    assert loaded.parts[0] is loaded.w


# ---------------------------------------------------------------------- damage and mixtures


def test_every_flipped_bit_of_the_program_file_is_found(one: Path) -> None:
    file = one / "program.json"
    data = bytearray(file.read_bytes())
    for place in range(0, len(data), max(1, len(data) // 150)):
        data[place] ^= 1 << place % 8
        file.write_bytes(data)
        with pytest.raises(errors.CheckpointCorruptError):
            load_program(one)
        data[place] ^= 1 << place % 8
    for size in (0, 1, 80, len(data) // 2, len(data) - 1):
        file.write_bytes(data[:size])
        with pytest.raises(errors.CheckpointCorruptError):
            load_program(one)


@pytest.mark.parametrize("part", ["program.json", "variables", "assets", "variables/manifest.json", "assets/a.txt"])
def test_a_mixture_of_two_exports_is_refused(part: str, exports: Path, one: Path) -> None:
    other = exports / "other" / part
    if other.is_dir():
        shutil.rmtree(one / part)
        shutil.copytree(other, one / part)
    else:
        shutil.copy(other, one / part)
    with pytest.raises(errors.CheckpointCorruptError):
        load_program(one)


@pytest.mark.parametrize("part", ["program.json", "variables", "assets", "variables/manifest.json", "assets/a.txt", ""])
def test_what_is_missing_is_refused(part: str, one: Path) -> None:
    missing = one / part
    shutil.rmtree(missing) if missing.is_dir() else missing.unlink()
    with pytest.raises(errors.CheckpointError, match=r"missing|no exported program|no checkpoint"):
        load_program(one)


def test_longer_and_shorter_assets_and_other_digests_are_refused(one: Path) -> None:
    for data in (b"onE", b"on", b"one1", b""):
        (one / "assets" / "a.txt").write_bytes(data)
        with pytest.raises(errors.CheckpointCorruptError, match=r"a\.txt"):
            load_program(one)
    (one / "assets" / "a.txt").write_bytes(b"one")
    digest = load_program(one).digest
    assert load_program(one, expected_digest=digest).digest == digest
    with pytest.raises(errors.CheckpointUnsafeError, match="whose digest was given"):
        load_program(one, expected_digest="0" * 64)


def test_a_pinned_program_is_checked_against_sha256_where_a_checksum_was_forged(one: Path) -> None:
    digest = load_program(one).digest
    shard = next((one / "variables").glob("*.safetensors"))
    data = bytearray(shard.read_bytes())
    before = zlib.crc32(data)
    for place, bit in enumerate(f"1{0x04C11DB7:032b}"):  # CRC-32's own polynomial: adding it changes no checksum
        data[4096 + place // 8] ^= int(bit) << place % 8
    assert zlib.crc32(data) == before
    shard.write_bytes(data)
    assert load_program(one).variables
    for options in ({"verify": "full"}, {"expected_digest": digest}, {"verify": "header", "expected_digest": digest}):
        with pytest.raises(errors.CheckpointCorruptError, match="SHA-256"):
            load_program(one, **options)


# ---------------------------------------------------------------------- made to harm


@pytest.mark.skipif(os.name != "posix", reason="links and pipes as POSIX has them")
@pytest.mark.parametrize("part", ["program.json", "variables", "assets", "assets/a.txt", "variables/manifest.json"])
def test_links_are_not_followed_and_pipes_not_waited_for(part: str, one: Path) -> None:
    moved = one.with_name("moved")
    (one / part).rename(moved)
    (one / part).symlink_to(moved, target_is_directory=moved.is_dir())
    with pytest.raises(errors.CheckpointUnsafeError):
        load_program(one)
    (one / part).unlink()
    os.mkfifo(one / part)
    with pytest.raises(errors.CheckpointError):
        load_program(one)


def test_a_program_file_beyond_the_limit_is_neither_read_nor_written(one: Path, tmp_path: Path) -> None:
    size = (one / "program.json").stat().st_size
    with pytest.raises(errors.CheckpointUnsafeError, match="program_bytes"):
        load_program(one, limits=Limits(program_bytes=size - 1))
    assert load_program(one, limits=Limits(program_bytes=size)).variables
    with pytest.raises(errors.CheckpointUnsafeError, match="program_bytes"):
        export(tmp_path / "large", Small(0), limits=Limits(program_bytes=100))
    assert not (tmp_path / "large").exists()


def test_all_unknown_operations_of_a_program_are_named_at_once(one: Path) -> None:
    document = document_of(one)
    for number, function in enumerate(document["functions"]):
        function["graph"]["graph"]["nodes"][0]["operation"] = f"acme::unknown_{number}"
    reseal(one, document)
    with pytest.raises(errors.GraphError, match=r"acme::unknown_0 version 1, acme::unknown_1 version 1"):
        load_program(one)


def test_a_newer_version_is_told_apart_from_damage(one: Path) -> None:
    reseal(one, document_of(one) | {"version": 2, "new": []})
    with pytest.raises(errors.CheckpointVersionError, match="pip install -U"):
        load_program(one)


def test_huge_sizes_are_refused_before_anything_is_made_of_them(one: Path) -> None:
    document = document_of(one)
    document["variables"][0]["shape"] = [1 << 40, 1 << 20]
    for function in document["functions"]:
        for value in function["graph"]["graph"]["inputs"]:
            if value.get("name") == "w":
                value["shape"] = [1 << 40, 1 << 20]
    reseal(one, document)
    with pytest.raises(REFUSALS):
        load_program(one)


@pytest.mark.parametrize("name", ["../a.txt", "b/a.txt", "..", ".hidden", "", "a\0", "/etc/passwd", "a" * 300, "é"])
def test_names_of_assets_that_leave_their_folder_are_refused(name: str, one: Path, tmp_path: Path) -> None:
    document = document_of(one)
    document["assets"] = {name: document["assets"]["a.txt"]}
    reseal(one, document)
    with pytest.raises(errors.CheckpointCorruptError, match="not plain"):
        load_program(one)
    with pytest.raises(errors.CheckpointUnsafeError, match="not plain"):
        export(tmp_path / "export", Small(0), assets={name: b""})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"version":1,', b'"version":1,"version":1,'),
        (b'"version":1,', b'"version":1.0,'),
        (b'"version":1,', b'"version":NaN,'),
        (b'"version":1,', b'"version":' + b"[" * 100_000 + b"]" * 100_000 + b","),
        (b'"version":1,', b'"version":' + b"1" * 5_000 + b","),
        (b'"version":1,', b'"version":1,"more":Infinity,'),
        (b'"format"', b'"\xff\xfe"'),
    ],
)
def test_json_that_readers_differ_in_is_refused_with_a_right_digest_too(old: bytes, new: bytes, one: Path) -> None:
    body = seal(document_of(one), sort_keys=False)[0].rpartition(b',"root":"')[0] + b"}"
    body = body.replace(old, new, 1)
    root = hashlib.sha256(body).hexdigest().encode()
    (one / "program.json").write_bytes(body[:-1] + b',"root":"' + root + b'"}')
    with pytest.raises(errors.CheckpointCorruptError):
        load_program(one)


def deep(kind: str, levels: int) -> Any:
    read: Any = {"slot": 0}
    for _ in range(levels):
        read = {kind: [read]} if kind != "dict" else {"dict": [["k", read]]}
    return read


@pytest.mark.parametrize("levels", [50, 300])
@pytest.mark.parametrize("kind", ["tuple", "list", "dict"])
def test_structures_nested_without_end_are_refused(kind: str, levels: int, one: Path) -> None:
    document = document_of(one)
    (number, *_) = document["methods"][0][1]["__call__"]
    document["functions"][number]["result"] = deep(kind, levels)
    reseal(one, document)
    with pytest.raises(errors.CheckpointCorruptError):
        load_program(one)


def places(read: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document, that of the document itself left out."""
    children = read.items() if isinstance(read, dict) else enumerate(read) if isinstance(read, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from places(child, (*path, key))


HOSTILE: list[Callable[[Any], Any]] = [
    lambda old: None,
    lambda old: -1,
    lambda old: 1 << 70,
    lambda old: True,
    lambda old: "x",
    lambda old: [],
    lambda old: {},
    lambda old: {"size": ["size", 7]},
    lambda old: [old],
    lambda old: old + 1 if type(old) is int else "🦆",
]


def test_whatever_stands_anywhere_a_program_loads_or_is_refused_with_a_typed_error(exports: Path, one: Path) -> None:
    """A walk through the whole file: at each place some value of a wrong kind. Nothing comes out but our errors."""
    document = document_of(exports / "one")
    everywhere = list(places(document))
    refused = 0
    for number, path in enumerate(everywhere):
        changed = copy.deepcopy(document)
        target = changed
        for part in path[:-1]:
            target = target[part]
        target[path[-1]] = HOSTILE[number % len(HOSTILE)](target[path[-1]])
        reseal(one, changed)
        try:
            load_program(one)
        except REFUSALS:
            refused += 1
    assert len(everywhere) > 500
    assert refused > len(everywhere) // 2


# ---------------------------------------------------------------------- exports that fail


class Failing(LocalFileSystem):
    """This machine's folders, where call number `fails_at` of those that write raises, as if the device were full."""

    def __init__(self, fails_at: int) -> None:
        self.left = fails_at

    def _count(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def make_folder(self, path: Any) -> None:
        self._count()
        super().make_folder(path)

    def create(self, path: Any, size_bytes: int) -> Any:
        self._count()
        return FailingFile(super().create(path, size_bytes), self._count)

    def sync_folder(self, path: Any) -> None:
        self._count()
        super().sync_folder(path)

    def rename(self, source: Any, target: Any) -> None:
        self._count()
        super().rename(source, target)

    def exchange(self, one: Any, other: Any) -> None:
        self._count()
        super().exchange(one, other)


class FailingFile:
    def __init__(self, file: Any, count: Callable[[], None]) -> None:
        self._file, self._count = file, count
        self.close = file.close

    def write(self, data: Any) -> None:
        self._count()
        self._file.write(data)

    def sync(self) -> None:
        self._count()
        self._file.sync()


@pytest.mark.parametrize("overwrite", [False, True])
def test_an_export_that_fails_at_any_call_leaves_what_was_there_and_nothing_half(
    overwrite: bool, tmp_path: Path
) -> None:
    module = dt.checkpointing.Checkpoint(w=dt.Variable([1.0]))
    target = tmp_path / "program"
    old = export(target, module, assets={"a.txt": b"old"}).digest if overwrite else None
    module.objects["w"].assign([2.0])
    for fails_at in range(1, 100):
        try:
            receipt = export(
                target, module, assets={"a.txt": b"new"}, overwrite=overwrite, file_system=Failing(fails_at)
            )
            break
        except errors.CheckpointDurabilityError as error:
            if "is in place" in str(error):
                assert load_program(target).w.tolist() == [2.0]
                shutil.rmtree(target)
                old = export(target, module, assets={"a.txt": b"old"}).digest if overwrite else None
        except errors.CheckpointError:
            pass
        assert [one.name for one in tmp_path.iterdir() if one != target] == []
        assert target.exists() == overwrite
        if overwrite:
            assert load_program(target).digest == old
    assert fails_at > 10
    loaded = load_program(target, expected_digest=receipt.digest)
    assert loaded.w.tolist() == [2.0]
    assert loaded.assets["a.txt"].read_bytes() == b"new"  # type: ignore[union-attr] # a path: it lies on this machine
    assert [one.name for one in tmp_path.iterdir()] == ["program"]


def test_an_asset_that_grows_meanwhile_fails_the_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dovetail_checkpointing.program import files

    (tmp_path / "a.txt").write_bytes(b"long")
    monkeypatch.setattr(files, "size_of", lambda asset: 3)
    with pytest.raises(errors.CheckpointError, match="changed while"):
        export(tmp_path / "program", dt.checkpointing.Checkpoint(w=dt.Variable(1.0)), assets={"a": tmp_path / "a.txt"})
    assert [one.name for one in tmp_path.iterdir()] == ["a.txt"]


def test_an_export_replaces_only_an_export(one: Path, tmp_path: Path) -> None:
    dt.checkpointing.save(tmp_path / "checkpoint", {"a": np.ones(2)})
    for target, overwrite in [(one, False), (tmp_path / "checkpoint", True), (tmp_path / "checkpoint", False)]:
        with pytest.raises(errors.CheckpointError, match="exists already"):
            export(target, Small(0), overwrite=overwrite)
    receipt = export(one, Small(3), overwrite=True)
    assert load_program(one, expected_digest=receipt.digest).digest == receipt.digest
    assert not (one / "assets").exists()
