"""Manager: the checkpoints of one training, of which some are kept."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dovetail_protocols.errors import (
    AttributeValueError,
    CheckpointBusyError,
    CheckpointCorruptError,
    CheckpointError,
    CheckpointWarning,
)
from dovetail_protocols.roles import Communicator

from .asynchronous import PendingSave, Saver
from .collecting import Leftover, collect, remove_checkpoint
from .commit import folder_locked
from .extents import Verify
from .object_tree import Flattened
from .opening import is_absence
from .reading import Reader
from .replacing import Restored
from .restoring import RestoreOptions, prepare
from .retention import Retention, Saved, last
from .saving import Receipt, SaveOptions, parts_of, save_to
from .shard import SaveSharding
from .sharded.exchange import RESTORE, SAVE, Exchange, Outcome, attempted, is_damage
from .sharded.restoring import restore_together
from .sharded.saving import flattened_part, save_together
from .snapshot import snapshot
from .steps import latest_place, step_name, step_places
from .storage import FileSystem, Place, locate
from .verifying import Verification, verify_place

LOCK = ".lock"


class Manager:
    """Checkpoints of a training in the folder `root`: `step-000000001200` and so on.

    After each save those stay that a rule of `keep` keeps: `[last(3), every(1000), best("loss", 2)]`. `max_to_keep=5`
    is short for `[last(5)]`; None keeps all. Saves of several processes into one root are refused while one is under
    way. What killed processes left behind is removed when a Manager is made, and logged.

    With a `communicator`, its ranks save and restore together, each with a Manager of its own. All of them call `save`,
    `save_async`, `latest` and `restore_latest`, in the same order; what fails on one is raised on all. Rank 0's `keep`
    holds, and rank 0 alone removes what it does not keep. All other members tell what this rank sees.

    Raises: AttributeValueError for a `max_to_keep` below 1.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        max_to_keep: int | None = 5,
        *,
        keep: Sequence[Retention] | None = None,
        communicator: Communicator | None = None,
        file_system: FileSystem | None = None,
    ) -> None:
        if keep is None:
            keep = () if max_to_keep is None else (last(max_to_keep),)
        if not isinstance(keep, Iterable):
            raise AttributeValueError(
                "a Manager keeps what rules say",
                where="keep",
                expected='a list such as [last(3), every(1000), best("loss")]',
                got=repr(keep),
                fix="max_to_keep= takes a number",
            )
        self._keep = tuple(keep)
        self._place = locate(root, file_system)
        self._metrics: dict[int, Mapping[str, float]] = {}
        self._process = os.getpid()
        self._saver = Saver()
        self._communicator = communicator
        if communicator is None or communicator.rank == 0:
            self._collect()

    def __repr__(self) -> str:
        return f"<Manager of {str(self._place)!r}>"

    @property
    def root(self) -> Path | str:
        """The folder of the checkpoints."""
        return self._place.spelled

    @property
    def steps(self) -> tuple[int, ...]:
        """The steps that have a folder, ascending."""
        return tuple(step for step, _ in step_places(self._place))

    def path(self, step: int) -> Path | str:
        """Where the checkpoint of a step is, or would be."""
        return self._place_of(step).spelled

    # ------------------------------------------------------------------ saving

    def save(
        self,
        step: int,
        tree: Any,
        *,
        metrics: Mapping[str, float] | None = None,
        sharding: SaveSharding | None = None,
        **options: Any,
    ) -> Receipt:
        """Saves a tree as the checkpoint of a step, then removes those that no rule keeps. `metrics` are what `best`
        goes by; the other options are those of `save`.

        With a communicator this is `save_sharded`, with its `sharding`. Rank 0's metrics and options hold for all.

        Raises: what `save` or `save_sharded` raises, also for a step that is saved already.
        """
        self._require_own_process()
        chosen = SaveOptions(step=step, metrics=metrics, **options)
        return self._save(lambda: self._flattened(tree, sharding), chosen)

    def save_async(
        self,
        step: int,
        tree: Any,
        *,
        metrics: Mapping[str, float] | None = None,
        sharding: SaveSharding | None = None,
        **options: Any,
    ) -> PendingSave:
        """`save` in the background: returns as soon as the tree may be changed, before anything is written. It waits
        for the save before it, if that is still under way.

        With a communicator the ranks talk meanwhile: nothing else may use that communicator until the save has ended.

        Raises: StructureError and UninitializedError at once; what the save before it failed with, if nobody was told.
        With a communicator all of that is raised by `result()` instead, on every rank.
        """
        self._require_own_process()
        chosen = SaveOptions(step=step, metrics=metrics, **options)
        where = str(self._place.child(step_name(step)))
        if self._communicator is not None:
            return self._start_together(where, lambda: self._held_by_rank(tree, sharding, chosen), chosen)
        checked = chosen.checked()
        flattened = flattened_part(tree, sharding)
        parts_of(flattened)
        return self._saver.start(
            where, lambda: self._saver.held(flattened), lambda kept: self._save(lambda: kept, checked)
        )

    def wait(self) -> None:
        """Returns once no save is under way in the background.

        Raises: what the last one failed with, if nobody was told.
        """
        self._saver.wait()

    def close(self) -> None:
        """`wait`, as the end of a `with`."""
        self.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.wait()

    def _flattened(self, tree: Any, sharding: SaveSharding | None) -> Flattened:
        self.wait()
        return flattened_part(tree, sharding)

    def _held_by_rank(self, tree: Any, sharding: SaveSharding | None, options: SaveOptions) -> Flattened:
        try:
            options.checked()
            flattened = flattened_part(tree, sharding)
        finally:
            self.wait()  # in any case, for the save under way and the one to come use the same communicator
        return snapshot(flattened)

    def _start_together(self, where: str, hold: Callable[[], Flattened], options: SaveOptions) -> PendingSave:
        """Starts a save in the background, also where this rank has failed already: the others wait to hear of it."""
        own = Outcome()

        def tried() -> Outcome:
            nonlocal own
            own = attempted(hold)
            return own

        pending = self._saver.start(where, tried, lambda held: self._save(held.result, options))
        if own.error is not None and not isinstance(own.error, Exception):
            raise own.error  # an interrupt is for this thread too
        return pending

    def _save(self, flattened: Callable[[], Flattened], options: SaveOptions) -> Receipt:
        if self._communicator is None:
            options, tree = options.checked(), flattened()
            with self._kept(options) as place:
                return save_to(place, tree, options)
        place = self._place.child(step_name(options.step))
        exchange = Exchange(self._communicator, str(place), SAVE)
        return save_together(flattened, options, exchange, self._place, self._kept(options))

    @contextmanager
    def _kept(self, options: SaveOptions) -> Iterator[Place]:
        """For the body of a `with`, under the lock of the folder: where a checkpoint is to be saved. Then removes what
        no rule keeps."""
        step = _step_of(options.checked())
        with folder_locked(self._place, LOCK):
            yield self._place_of(step)
            self._metrics[step] = dict(options.metrics or {})
            self._retain(step)

    def _place_of(self, step: int) -> Place:
        known = dict(step_places(self._place))
        return known.get(step, self._place.child(step_name(step)))

    def _require_own_process(self) -> None:
        if os.getpid() != self._process:
            raise CheckpointError(
                "this Manager belongs to another process",
                where=str(self._place),
                got=f"process {os.getpid()}, a fork of {self._process}",
                effect="nothing was saved",
                fix="make a Manager of its own in the forked process, for another folder",
            )

    # ------------------------------------------------------------------ what stays

    def _retain(self, newest: int) -> None:
        """Removes what no rule keeps, after the newest checkpoint is durable and never that one."""
        if not self._keep:
            return
        try:
            places = dict(step_places(self._place))
        except CheckpointError as error:
            error.effect = "the new checkpoint is saved; nothing older was removed"
            raise
        metrics = {step: self._metrics_of(step, place) for step, place in places.items()}
        saved = [Saved(step, measured or {}) for step, measured in metrics.items()]
        unknown = {step for step, measured in metrics.items() if measured is None}  # each may be the best
        kept = {newest}.union(unknown, *(rule.kept(saved) for rule in self._keep))
        for step, place in places.items():
            if step not in kept:
                self._remove(step, place)

    def _metrics_of(self, step: int, place: Place) -> Mapping[str, float] | None:
        """None where they can't be read now, for want of open files, say; nothing where they are damaged."""
        if step not in self._metrics:
            try:
                with Reader(place, verify="header") as reader:
                    self._metrics[step] = reader.metrics
            except CheckpointError as error:
                return {} if isinstance(error, CheckpointCorruptError) or is_absence(error) else None
        return self._metrics[step]

    def _remove(self, step: int, place: Place) -> None:
        try:
            remove_checkpoint(place)
        except CheckpointBusyError:
            return  # somebody writes there by hand; the next save looks again
        except OSError as error:
            raise CheckpointError(
                "an old checkpoint could not be removed",
                where=str(place),
                cause=f"{type(error).__name__}: {error}",
                effect="the new checkpoint is saved; the old one is untouched",
            ) from error
        self._metrics.pop(step, None)

    def gc(self, *, dry_run: bool = False) -> list[Leftover]:
        """Removes what killed saves and removals left in the folder, unless somebody works on it; gives it. With
        `dry_run` it is only named."""
        return collect(self._place, dry_run=dry_run)

    def _collect(self) -> None:
        if not self._place.file_system.publishes_by_rename:
            return  # no lock tells there whether somebody works on what is unfinished
        try:
            self.gc()
        except OSError:
            return  # a folder that may only be read is still good for restoring

    # ------------------------------------------------------------------ restoring

    def latest(self) -> Path | str | None:
        """The checkpoint of the highest step that can be read, or None; a save in the background is waited for."""

        def name(_: object) -> str | None:
            latest = latest_place(self._place)
            return None if latest is None else latest.path.name

        found = _agreed(self._exchange(self._place), self.wait, name)
        return None if found is None else self._place.child(found).spelled

    def restore_latest(self, into: Any = None, *, fallback: bool = False, **options: Any) -> Restored | None:
        """Restores the newest checkpoint into a tree, with the options of `restore`; None where there is none yet.

        If it is damaged that is an error, which names an older one that is sound; with `fallback` it is a warning, and
        the newest that is sound is restored. With a communicator all ranks restore the same step, which is damaged if
        one of them finds it so; rank 0's `fallback` holds.

        Raises: what `restore` raises.
        """
        chosen = RestoreOptions(**options)

        def known(_: object) -> tuple[bool, list[tuple[int, str]]]:
            return fallback, [(step, place.path.name) for step, place in step_places(self._place)]

        falls_back, steps = _agreed(self._exchange(self._place), self.wait, known)
        for step, name in reversed(steps):
            place = self._place.child(name)
            exchange = self._exchange(place)
            try:
                if exchange is None:
                    return prepare(place, into, chosen).apply()
                return restore_together(partial(prepare, place, into, chosen), exchange)
            except CheckpointError as error:
                if not (is_damage(error) if exchange is None else exchange.failed_by_damage):
                    raise
                if not falls_back:
                    error.fix = self._older(step, exchange)
                    raise
                text = f"step {step} is damaged, an older one is restored: {error}"
                warnings.warn(text, CheckpointWarning, stacklevel=2)
        return None

    def _exchange(self, place: Place) -> Exchange | None:
        if self._communicator is None:
            return None
        self._require_own_process()
        return Exchange(self._communicator, str(place), RESTORE)

    def _older(self, damaged: int, exchange: Exchange | None) -> str:
        def fix(_: object) -> str:
            for step, place in reversed(step_places(self._place)):
                with suppress(CheckpointError):  # one that isn't there, or can't be read, does not verify
                    if step < damaged and verify_place(place, "chunks").is_sound:
                        return f"step {step} verifies: restore {place.spelled}, or pass fallback=True"
            return "no older step verifies"

        return str(_agreed(exchange, lambda: None, fix))

    def verify(self, level: Verify = "full") -> dict[int, Verification]:
        """What `verify` finds of each step."""
        return {step: verify_place(place, level) for step, place in step_places(self._place)}


def _agreed(exchange: Exchange | None, own: Callable[[], Any], decide: Callable[[list[Any]], Any]) -> Any:
    """What rank 0 decides once every rank has done its own; without other ranks, what is decided here.

    Raises: what failed here, or on any rank.
    """
    return decide([own()]) if exchange is None else exchange.agree(attempted(own), decide)


def _step_of(options: SaveOptions) -> int:
    if options.step is None:
        raise AttributeValueError("a Manager saves steps", where="step", expected="an integer ≥ 0", got="None")
    return options.step
