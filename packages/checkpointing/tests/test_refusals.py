"""What does not fit or can't be trusted is refused before anything is changed, and mostly before anything is read."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dovetail_checkpointing import Limits, restore, save
from dovetail_checkpointing import open as open_checkpoint
from dovetail_checkpointing.storage import MemoryFileSystem
from dovetail_protocols.errors import (
    CheckpointMismatchError,
    CheckpointUnsafeError,
    CheckpointVersionError,
)

from .outcomes import files_in, require_told
from .rewriting import MANIFEST, rewrite

DATA = "data-00000-of-00001.safetensors"
TREE = {"a": np.arange(300.0), "b": np.array([True, False])}


# The checkpoint does not fit


NAMES = st.sampled_from(["kernel", "kernels", "bias", "biases", "scale", "scales", "embedding"])
VALUES = st.sampled_from([np.ones(2), np.ones(3), np.ones(2, np.float32), np.ones(2, np.int32), 1, "one"])
TREES = st.dictionaries(NAMES, VALUES, min_size=1, max_size=5)


@settings(max_examples=150, deadline=None)
@given(TREES, TREES)
def test_what_a_mismatch_says_to_pass_does_restore(saved: Any, target: Any) -> None:
    storage = MemoryFileSystem()
    save("c", saved, file_system=storage)
    try:
        restore("c", target, file_system=storage)
    except CheckpointMismatchError as error:
        says = str(error.fix).partition("or pass ")[2]
        options = eval(f"dict({says})", {})
        restored = restore("c", target, file_system=storage, **options)
        assert restored.report.restored or "missing" in options or "only" in options


def test_a_mismatch_lists_every_difference_and_changes_nothing(tmp_path: Path, variable: Any) -> None:
    save(tmp_path / "c", {name: np.ones(2) for name in ("kernel", "bias", "scale")})
    target = {"kernel": variable(np.zeros(3)), "biases": variable(np.zeros(2)), "scale": variable(np.zeros(2))}
    with pytest.raises(CheckpointMismatchError) as caught:
        restore(tmp_path / "c", target)
    require_told(
        caught.value,
        *("3 differences", "kernel: the checkpoint has float64[2], the target float64[3]"),
        *("biases: not in the checkpoint; it has bias", "bias: in the checkpoint, but not in the target"),
        *("effect: nothing was changed", "rename={'biases': 'bias'}", "only=lambda name: name not in ['kernel']"),
    )
    assert not any(cell.payload.any() for cell in target.values())


# A newer format


def test_a_newer_format_is_refused_with_both_versions_and_the_command_to_upgrade(tmp_path: Path) -> None:
    save(tmp_path / "c", TREE)

    def newer(document: dict[str, Any]) -> None:
        document.update(version=4, min_reader=3, writer="dovetail-checkpointing 9.0.0", novelty=[])

    rewrite(tmp_path / "c", newer)
    before = files_in(tmp_path)
    with pytest.raises(CheckpointVersionError) as caught:
        restore(tmp_path / "c", TREE)
    require_told(
        caught.value,
        *("needs a reader of version 3", "at most 2", "version 4", "dovetail-checkpointing 9.0.0"),
        *("nothing was restored", "pip install -U dovetail-checkpointing"),
    )
    assert files_in(tmp_path) == before


def test_a_newer_version_that_this_reader_still_understands_is_read(tmp_path: Path) -> None:
    save(tmp_path / "c", TREE)
    rewrite(tmp_path / "c", lambda document: document.update(version=3))
    assert (restore(tmp_path / "c").tree["a"] == TREE["a"]).all()


# Files that are elsewhere, or no files


@pytest.mark.parametrize(
    "name",
    ["../c.safetensors", "/etc/c.safetensors", "a/b.safetensors", "..", "c.safetensors\0", ".x.safetensors", "c.py"],
)
def test_a_file_name_that_leaves_the_folder_is_refused_before_anything_is_read(tmp_path: Path, name: str) -> None:
    save(tmp_path / "c", TREE)
    (tmp_path / "c.safetensors").write_bytes((tmp_path / "c" / DATA).read_bytes())
    rewrite(tmp_path / "c", lambda document: document["files"][0].update(name=name))
    with pytest.raises(CheckpointUnsafeError) as caught:
        restore(tmp_path / "c", TREE)
    require_told(caught.value, "not plainly in its folder", repr(name), "letters, digits", "nothing was read")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs")
@pytest.mark.parametrize("kind", ["link", "link to nowhere", "link to a device", "FIFO", "socket", "folder"])
@pytest.mark.parametrize("name", [MANIFEST, DATA])
def test_what_is_no_regular_file_is_refused_without_reading_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, kind: str
) -> None:
    save(tmp_path / "c", TREE)
    path = tmp_path / "c" / name
    sound = tmp_path / "elsewhere"
    path.rename(sound)
    monkeypatch.chdir(path.parent)  # the address of a socket may not be long
    with socket.socket(socket.AF_UNIX) as listening:
        match kind:
            case "link":
                path.symlink_to(sound)
            case "link to nowhere":
                path.symlink_to(tmp_path / "nowhere")
            case "link to a device":
                path.symlink_to("/dev/zero")
            case "FIFO":
                os.mkfifo(path)
            case "socket":
                listening.bind(name)
            case "folder":
                path.mkdir()
        with pytest.raises(CheckpointUnsafeError) as caught:
            restore(tmp_path / "c", TREE)
    require_told(caught.value, str(path), "is no regular file", "it was not read", "not with links")


@pytest.mark.skipif(
    not os.path.exists("/dev/zero") or getattr(os, "getuid", lambda: 1)() != 0, reason="root makes nodes"
)
def test_a_device_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    import stat

    save(tmp_path / "c", TREE)
    path = tmp_path / "c" / DATA
    path.unlink()
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("this root may make no device nodes")
    with pytest.raises(CheckpointUnsafeError, match="is no regular file"):
        restore(tmp_path / "c", TREE)


# Sizes that nobody should believe


def test_a_manifest_beyond_the_limit_is_refused_before_memory_is_taken_for_it(tmp_path: Path) -> None:
    save(tmp_path / "c", TREE)
    os.truncate(tmp_path / "c" / MANIFEST, 1 << 43)  # 8 TiB, of which nothing is on disk
    with pytest.raises(CheckpointUnsafeError) as caught:
        restore(tmp_path / "c", TREE)
    require_told(
        caught.value,
        *("the manifest is beyond the limit", "at most 67,108,864", "8,796,093,022,208", "it was not read"),
        "limits=Limits(manifest_bytes=…)",
    )


def test_a_header_beyond_the_limit_is_refused_before_memory_is_taken_for_it(tmp_path: Path) -> None:
    save(tmp_path / "c", TREE)

    def huge(document: dict[str, Any]) -> None:
        document["files"][0].update(bytes=1 << 43, data_start=1 << 43, chunk_crc32=[])
        document["tensors"] = []

    rewrite(tmp_path / "c", huge)
    os.truncate(tmp_path / "c" / DATA, 1 << 43)
    with pytest.raises(CheckpointUnsafeError) as caught:
        restore(tmp_path / "c", {})
    require_told(
        caught.value, f"the header of {DATA}", "at most 16,777,216", "8,796,093,022,208", "Limits(header_bytes=…)"
    )


def test_the_argument_that_an_error_names_raises_the_limit(tmp_path: Path) -> None:
    save(tmp_path / "c", TREE)
    with pytest.raises(CheckpointUnsafeError, match=r"Limits\(tensors=…\)"):
        restore(tmp_path / "c", limits=Limits(tensors=1))
    assert len(restore(tmp_path / "c", limits=Limits(tensors=2)).tree) == 2


# Another checkpoint than the one that was pinned


def test_another_digest_than_the_given_one_is_refused_with_both(tmp_path: Path) -> None:
    pinned = save(tmp_path / "c", TREE).digest
    other = save(tmp_path / "c", {**TREE, "a": np.ones(300)}, overwrite=True).digest
    target = {"a": np.zeros(300), "b": np.array([False, False])}
    with pytest.raises(CheckpointUnsafeError) as caught:
        restore(tmp_path / "c", target, expected_digest=pinned)
    require_told(caught.value, f"expected: {pinned}", f"got: {other}", "effect: nothing was restored")
    assert not target["a"].any()
    with open_checkpoint(tmp_path / "c", expected_digest=other) as reader:
        assert reader.read("a").all()
