"""What ranks tell each other while they save or restore together, and how the failure of one becomes that of all.

Messages are JSON. A rank never skips a step because it failed: it tells of its failure in place of its result, so that
nobody waits for it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dovetail_protocols import errors
from dovetail_protocols.errors import CheckpointCorruptError, CheckpointError, CommunicatorError, DovetailError
from dovetail_protocols.roles import Communicator

from ..opening import is_absence


@dataclass(frozen=True, slots=True)
class Undertaking:
    """What ranks do together, and what it means if one fails, or if they lose each other."""

    name: str
    effect: str
    fix: str


SAVE = Undertaking(
    "a sharded save",
    "nothing was published; earlier checkpoints are untouched",
    "start the ranks again and save again; that removes what lies unfinished",
)
RESTORE = Undertaking("a restore of several ranks", "nothing was restored here", "start the ranks again")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The JSON value that a step of work gave, or what it raised."""

    value: Any = None
    error: BaseException | None = None

    def result(self) -> Any:
        """The value. Raises: what was raised."""
        if self.error is not None:
            raise self.error
        return self.value


class OtherFailed(Exception):
    """Raised where the results of all ranks are needed and some have failed: the failure of the first that did."""

    def __init__(self, failure: dict[str, Any]) -> None:
        super().__init__(failure["what"])
        self.failure = failure


def attempted(work: Callable[[], Any]) -> Outcome:
    """What some work came to, an error included."""
    try:
        return Outcome(work())
    except BaseException as error:  # noqa: BLE001 - it is raised again as soon as the other ranks know
        return Outcome(error=error)


class Exchange:
    """The steps of one thing that ranks do together. `effect` says what it would mean now if they lost each other."""

    def __init__(self, communicator: Communicator, where: str, undertaking: Undertaking) -> None:
        self.rank, self.world_size = communicator.rank, communicator.world_size
        self.where, self._communicator, self._undertaking = where, communicator, undertaking
        self.effect = undertaking.effect
        self.failure: Mapping[str, Any] | None = None
        """The last that all ranks were told of. "rank": whose it was, None for rank 0's in the name of all."""

    @property
    def failed_by_damage(self) -> bool:
        """Whether all ranks were told of a checkpoint that is damaged or not there, and of nothing else."""
        return self.failure is not None and bool(self.failure["is_damage"])

    def agree(self, own: Outcome, decide: Callable[[list[Any]], Any]) -> Any:
        """What `decide` makes on rank 0 of what all ranks came to, on every rank.

        Raises: the failure of any rank, or of `decide`, the same on all of them.
        """
        return self._broadcast(self._decided(own, decide), own)

    def _decided(self, own: Outcome, decide: Callable[[list[Any]], Any]) -> Outcome | None:
        try:
            gathered = self._gather(own)
        except OtherFailed as failed:
            return Outcome(error=failed)
        return None if gathered is None else attempted(lambda: decide(gathered))

    def _gather(self, own: Outcome) -> list[Any] | None:
        """Every rank's value, on rank 0; None elsewhere.

        Raises: OtherFailed on rank 0, where a rank has failed.
        """
        message = self._encoded(own, self.rank, self._undertaking.effect)
        gathered = self._call(lambda: self._communicator.gather(message))
        if gathered is None:
            return None
        messages = [json.loads(message) for message in gathered]
        failures = [message["failure"] for message in messages if "failure" in message]
        if failures:
            raise OtherFailed(_together(failures))
        return [message["value"] for message in messages]

    def _broadcast(self, outcome: Outcome | None, own: Outcome) -> Any:
        """Rank 0's value, on every rank. `own` is what this rank had come to before."""
        sent = None
        if outcome is not None:
            sent = self._encoded(outcome, None, self.effect)
        message = json.loads(self._call(lambda: self._communicator.broadcast(sent)))
        if "failure" not in message:
            return message["value"]
        self.failure = failure = message["failure"]
        original = own.error if own.error is not None or outcome is None else outcome.error
        raise _as_raised(failure, None if isinstance(original, OtherFailed) else original, self.rank)

    def _call(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except Exception as error:
            raise CheckpointError(
                f"the ranks of {self._undertaking.name} have lost each other",
                where=f"{self.where}, on rank {self.rank} of {self.world_size}",
                cause=error.cause if isinstance(error, CommunicatorError) else f"{type(error).__name__}: {error}",
                effect=self.effect,
                fix=self._undertaking.fix,
            ) from error

    def _encoded(self, outcome: Outcome, rank: int | None, effect: str) -> bytes:
        """A message with what a step came to. `rank`: whose step it was, or None for what rank 0 does for all."""
        error = outcome.error
        if error is None:
            return json.dumps({"value": outcome.value}).encode()
        return json.dumps({"failure": _failure(error, rank, self._undertaking.name, effect)}).encode()


def is_damage(error: BaseException) -> bool:
    """Whether an error says that a checkpoint is damaged or not there, so that another may do in its place."""
    return isinstance(error, CheckpointError) and (isinstance(error, CheckpointCorruptError) or is_absence(error))


def _failure(error: BaseException, rank: int | None, undertaking: str, effect: str) -> dict[str, Any]:
    if isinstance(error, OtherFailed):
        return error.failure
    damage = is_damage(error)
    if not isinstance(error, DovetailError):
        cause = f"{type(error).__name__}: {error}"
        error = CheckpointError(f"a rank failed in {undertaking}", cause=cause, effect=effect)
    facts = {name: getattr(error, name) for name in DovetailError.FACTS}
    if rank is not None:
        facts["where"] = f"rank {rank}" + (f": {facts['where']}" if facts["where"] is not None else "")
    known = {name: None if fact is None else str(fact) for name, fact in facts.items()}
    return {"kind": type(error).__name__, "what": error.what, "rank": rank, "facts": known, "is_damage": damage}


def _together(failures: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The first failure, which names the ranks that failed too; damage only where nothing else is wrong."""
    first = min(failures, key=lambda failure: bool(failure["is_damage"]))
    if len(failures) > 1:
        others = ", ".join(str(failure["rank"]) for failure in failures if failure is not first)
        cause = first["facts"]["cause"]
        first["facts"]["cause"] = (f"{cause}; " if cause else "") + f"also failed: rank {others}"
    return first


def _as_raised(failure: dict[str, Any], original: BaseException | None, rank: int) -> BaseException:
    """What to raise for a failure: its own error where it happened, else one that says the same."""
    if original is not None and not isinstance(original, DovetailError):
        return original
    if original is not None and failure["rank"] in (rank, None):
        for name, fact in failure["facts"].items():
            setattr(original, name, fact)
        return original
    kind = getattr(errors, failure["kind"], CheckpointError)
    if not (isinstance(kind, type) and issubclass(kind, DovetailError)):
        kind = CheckpointError
    error = kind(failure["what"], **failure["facts"])
    error.__cause__ = original
    return error
