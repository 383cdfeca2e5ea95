"""A pytest class that proves a checkpoint format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from dovetail_protocols import dtypes as dt

from .checks import checkpoint_damage, checkpoint_formats, checkpoint_trees
from .checks.checkpoint_formats import Format, Partial, Restore, Save
from .kernel_suite import report
from .limits import Limits
from .limits_file import read_limits


def checkpoint_format_suite(
    save: Save,
    restore: Restore,
    *,
    partial: Partial | None = None,
    objects: Mapping[str, Callable[[], Any]] | None = None,
    limits: str | Path | Limits | None = None,
) -> type:
    """A test class that proves one checkpoint format, to be bound to a name beginning with Test in a test module.

    `save(path, tree)` saves a tree as `path`, a file or folder that may hold an earlier checkpoint, which it replaces.
    A tree is a dict, list or tuple (nested) of NumPy arrays, variables (VariableLike), scalars (bool, int, float, str,
    None) and objects with checkpoint state (SupportsCheckpoint). `restore(path, tree)` puts what was saved into a tree
    of the same structure, variables and objects in place, and gives the tree with new arrays and scalars; it raises
    CheckpointMismatchError where names, shapes or dtypes differ, and CheckpointError where files are damaged.

    `partial(path, tree)`, optional, restores what fits and gives the names that the checkpoint lacks, and those that
    the tree lacks. `objects` adds trees of real objects by name, such as a model with its optimizer, each made anew by
    its function. `limits` names a file of what is known to fail, and why, beside the file that calls this.

    Raises: LimitsError.
    """
    known = read_limits(limits)
    form = Format(save, restore, partial)
    trees = objects or {}

    class CheckpointFormatSuite:
        """What whoever saves a training takes for granted."""

        def test_limits_are_current(self) -> None:
            report(known.problems())

        @known.each(dtype=dt.ALL)
        def test_every_dtype_comes_back_to_the_bit(self, dtype: dt.DType, tmp_path: Path) -> None:
            report(checkpoint_formats.round_trip_problems(form, tmp_path, checkpoint_trees.of_dtype(dtype)))

        @known.each(tree=checkpoint_trees.TREES)
        def test_every_tree_comes_back(self, tree: str, tmp_path: Path) -> None:
            report(checkpoint_formats.round_trip_problems(form, tmp_path, checkpoint_trees.TREES[tree]))

        @known.each(tree=trees)
        def test_given_objects_come_back(self, tree: str, tmp_path: Path) -> None:
            report(checkpoint_formats.object_round_trip_problems(form, tmp_path, trees[tree]))

        @known.each()
        def test_values_go_by_name(self, tmp_path: Path) -> None:
            report(checkpoint_formats.name_problems(form, tmp_path))

        @known.each()
        def test_paths_that_read_alike_are_kept_apart(self, tmp_path: Path) -> None:
            report(checkpoint_formats.alike_name_problems(form, tmp_path))

        @known.each()
        def test_a_save_replaces_an_earlier_one(self, tmp_path: Path) -> None:
            report(checkpoint_formats.replacing_problems(form, tmp_path))

        @known.each(target=checkpoint_formats.MISMATCHES)
        def test_what_does_not_fit_is_refused_whole(self, target: str, tmp_path: Path) -> None:
            report(checkpoint_formats.mismatch_problems(form, tmp_path, checkpoint_formats.MISMATCHES[target]()))

        @known.each()
        def test_absence_is_said(self, tmp_path: Path) -> None:
            report(checkpoint_formats.absence_problems(form, tmp_path))

        @known.each()
        def test_a_partial_restore_names_what_is_left(self, tmp_path: Path) -> None:
            if partial is None:
                pytest.skip("checkpoint_format_suite was given no partial=, so no partial restore is tried")
            report(checkpoint_formats.partial_problems(form, partial, tmp_path))

        @known.each()
        def test_damage_is_noticed(self, tmp_path: Path) -> None:
            report(checkpoint_damage.damage_problems(form, tmp_path))

        @known.each()
        def test_files_of_two_checkpoints_are_not_mixed(self, tmp_path: Path) -> None:
            report(checkpoint_damage.mixture_problems(form, tmp_path))

        @known.each()
        def test_a_failed_save_leaves_a_whole_checkpoint(self, tmp_path: Path) -> None:
            found = checkpoint_damage.failing_save_problems(form, tmp_path)
            if found is None:
                pytest.skip("it writes by other means than Python's own calls, so that none can be made to fail here")
            report(found)

        @known.each()
        def test_nothing_in_a_file_is_run(self, tmp_path: Path) -> None:
            report(checkpoint_damage.execution_problems(form, tmp_path))

    return CheckpointFormatSuite
