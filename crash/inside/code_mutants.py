"""Checks of saving and reading left out one by one; the test that is named with each must then fail."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any
from unittest.mock import patch

from dovetail_checkpointing import commit, extents, manifest_reader, opening, reading, restoring, sealed_json
from dovetail_checkpointing.storage import MemoryFileSystem, local, locking

TESTS = "packages/checkpointing/tests"


@dataclass(frozen=True)
class CodeMutant:
    """`owner.name` is replaced. `arguments` are those of the test's parameters."""

    what: str
    owner: Any
    name: str
    replacement: Any
    file: str
    test: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def planted(self) -> Any:
        """A context in which the fault is there."""
        return patch.object(self.owner, self.name, self.replacement)


class _AnyPattern:
    def fullmatch(self, text: str) -> bool:
        return True


def _nothing(*_: Any, **__: Any) -> None: ...


def _sync_again(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError:
        os.fsync(descriptor)


def _sync_silently(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError:
        return


def _believed(data: bytes) -> Any:
    import json

    document = json.loads(data)
    return document, document.pop("root")


def _unchecked(file: Any, record: Any, wanted: Any, *, check: bool) -> None:
    extents.read_extents(file, record, wanted, check=False)


def _sound(*_: Any, **__: Any) -> list[str]:
    return []


def _absent_anyway(place: Any) -> Any:
    try:
        return place.file_system.open_folder(place.path)
    except OSError as error:
        raise opening._absent(place, str(error)) from error


def _free_of_charge(self: Any, path: PurePath) -> int | None:
    return None


CODE_MUTANTS = (
    CodeMutant(
        "the lock is not taken",
        locking,
        "_lock",
        _nothing,
        "test_failures.py",
        "test_a_second_writer_is_told_process_host_and_since_when",
    ),
    CodeMutant(
        "a sync that failed is tried again",
        local,
        "_sync",
        _sync_again,
        "test_failures.py",
        "test_a_sync_that_fails_gives_the_save_up_without_trying_again",
    ),
    CodeMutant(
        "a sync that failed is passed over",
        local,
        "_sync",
        _sync_silently,
        "test_failures.py",
        "test_a_sync_that_fails_gives_the_save_up_without_trying_again",
    ),
    CodeMutant(
        "free room is not asked for",
        local.LocalFileSystem,
        "free_bytes",
        _free_of_charge,
        "test_failures.py",
        "test_a_disk_that_becomes_full_meanwhile_is_told_with_needed_and_free_bytes",
        {"number": errno.ENOSPC},
    ),
    CodeMutant(
        "what a failed save wrote is left",
        commit.Staging,
        "discard",
        _nothing,
        "test_failures.py",
        "test_a_disk_that_becomes_full_meanwhile_is_told_with_needed_and_free_bytes",
        {"number": errno.ENOSPC},
    ),
    CodeMutant(
        "what a killed save left is not collected",
        MemoryFileSystem,
        "remove_file",
        _nothing,
        "test_failures.py",
        "test_what_a_killed_save_left_is_removed_and_logged_and_the_step_before_loads",
    ),
    CodeMutant(
        "checksums are not compared",
        reading,
        "read_extents",
        _unchecked,
        "test_every_bit.py",
        "test_pages_that_are_zeroed_stale_or_swapped_and_bursts_are_refused",
    ),
    CodeMutant(
        "the manifest's digest is not compared",
        manifest_reader,
        "unseal",
        _believed,
        "test_every_bit.py",
        "test_pages_that_are_zeroed_stale_or_swapped_and_bursts_are_refused",
    ),
    CodeMutant(
        "a key may stand twice",
        sealed_json,
        "_no_duplicates",
        dict,
        "test_hostile_manifests.py",
        "test_hostile_text_is_refused",
    ),
    CodeMutant(
        "the limit of the manifest is not looked at",
        opening,
        "require_below",
        _nothing,
        "test_refusals.py",
        "test_a_manifest_beyond_the_limit_is_refused_before_memory_is_taken_for_it",
    ),
    CodeMutant(
        "the limits of what a manifest says are not looked at",
        manifest_reader,
        "require_below",
        _nothing,
        "test_refusals.py",
        "test_the_argument_that_an_error_names_raises_the_limit",
    ),
    CodeMutant(
        "any file name will do",
        manifest_reader,
        "_FILE_NAME",
        _AnyPattern(),
        "test_refusals.py",
        "test_a_file_name_that_leaves_the_folder_is_refused_before_anything_is_read",
        {"name": "../c.safetensors"},
    ),
    CodeMutant(
        "links are followed",
        local,
        "_READ",
        local._READ & ~getattr(os, "O_NOFOLLOW", 0),
        "test_refusals.py",
        "test_what_is_no_regular_file_is_refused_without_reading_it",
        {"name": "data-00000-of-00001.safetensors", "kind": "link"},
    ),
    CodeMutant(
        "newer formats are read",
        manifest_reader._Reading,
        "_check_version",
        _nothing,
        "test_refusals.py",
        "test_a_newer_format_is_refused_with_both_versions_and_the_command_to_upgrade",
    ),
    CodeMutant(
        "pieces need not tile",
        manifest_reader,
        "tiles",
        lambda shape, boxes: True,
        "test_hostile_manifests.py",
        "test_a_changed_manifest_is_refused",
        {"case": "pieces that overlap"},
    ),
    CodeMutant(
        "pieces may lie anywhere",
        manifest_reader,
        "_check_range",
        _nothing,
        "test_hostile_manifests.py",
        "test_a_changed_manifest_is_refused",
        {"case": "a file with a negative number"},
    ),
    CodeMutant(
        "differences are passed over",
        restoring,
        "refuse_mismatch",
        _nothing,
        "test_refusals.py",
        "test_a_mismatch_lists_every_difference_and_changes_nothing",
    ),
    CodeMutant(
        "a bool may have any byte",
        reading.Reader,
        "_require_values",
        _nothing,
        "test_hostile_manifests.py",
        "test_a_byte_that_is_neither_true_nor_false_is_refused",
    ),
    CodeMutant(
        "a header may say what it likes",
        reading,
        "file_damage",
        _sound,
        "test_hostile_manifests.py",
        "test_a_header_that_says_something_else_than_the_manifest_is_damage",
        {"old": b'"BOOL"', "new": b'"U8"  '},
    ),
    CodeMutant(
        "what can't be read is taken for absent",
        reading,
        "open_folder",
        _absent_anyway,
        "test_storage_errors.py",
        "test_a_failure_of_any_call_while_reading_is_told_and_changes_nothing",
        {"number": errno.EACCES},
    ),
)
