"""What ranks tell each other in a sharded save, and how the failure of one becomes that of all.

Messages are JSON. A rank never skips a step because it failed: it tells of its failure in place of its result, so that
nobody waits for it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from dovetail_protocols import errors
from dovetail_protocols.errors import CheckpointError, CommunicatorError, DovetailError
from dovetail_protocols.roles import Communicator

_NOTHING = "nothing was published; earlier checkpoints are untouched"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The JSON value that a step of work gave, or what it raised."""

    value: Any = None
    error: BaseException | None = None


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
    """The steps of one sharded save. `effect` says what it would mean now if the ranks lost each other."""

    def __init__(self, communicator: Communicator, where: str) -> None:
        self.rank, self.world_size = communicator.rank, communicator.world_size
        self._communicator, self._where = communicator, where
        self.effect = _NOTHING
        self.has_failed_before_publishing = False

    def gather(self, own: Outcome) -> list[Any] | None:
        """Every rank's value, on rank 0; None elsewhere.

        Raises: OtherFailed on rank 0, where a rank has failed.
        """
        message = _encoded(own, self.rank, _NOTHING)
        gathered = self._call(lambda: self._communicator.gather(message))
        if gathered is None:
            return None
        messages = [json.loads(message) for message in gathered]
        failures = [message["failure"] for message in messages if "failure" in message]
        if failures:
            raise OtherFailed(_together(failures))
        return [message["value"] for message in messages]

    def broadcast(self, outcome: Outcome | None, own: Outcome) -> Any:
        """Rank 0's value, on every rank. `own` is what this rank had come to before.

        Raises: the failure of any rank, the same on all of them.
        """
        sent = None
        if outcome is not None:
            sent = _encoded(outcome, None, self.effect)
        message = json.loads(self._call(lambda: self._communicator.broadcast(sent)))
        if "failure" not in message:
            return message["value"]
        failure = message["failure"]
        self.has_failed_before_publishing = failure["rank"] is not None
        original = own.error if own.error is not None or outcome is None else outcome.error
        raise _as_raised(failure, None if isinstance(original, OtherFailed) else original, self.rank)

    def _call(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except Exception as error:
            raise CheckpointError(
                "the ranks of a sharded save have lost each other",
                where=f"{self._where}, on rank {self.rank} of {self.world_size}",
                cause=error.cause if isinstance(error, CommunicatorError) else f"{type(error).__name__}: {error}",
                effect=self.effect,
                fix="start the ranks again and save again; that removes what lies unfinished",
            ) from error


def _encoded(outcome: Outcome, rank: int | None, effect: str) -> bytes:
    """A message with what a step came to. `rank`: whose step it was, or None for what rank 0 does for all."""
    error = outcome.error
    if error is None:
        return json.dumps({"value": outcome.value}).encode()
    return json.dumps({"failure": _failure(error, rank, effect)}).encode()


def _failure(error: BaseException, rank: int | None, effect: str) -> dict[str, Any]:
    if isinstance(error, OtherFailed):
        return error.failure
    if not isinstance(error, DovetailError):
        cause = f"{type(error).__name__}: {error}"
        error = CheckpointError("a rank failed in a sharded save", cause=cause, effect=effect)
    facts = {name: getattr(error, name) for name in DovetailError.FACTS}
    if rank is not None:
        facts["where"] = f"rank {rank}" + (f": {facts['where']}" if facts["where"] is not None else "")
    known = {name: None if fact is None else str(fact) for name, fact in facts.items()}
    return {"kind": type(error).__name__, "what": error.what, "rank": rank, "facts": known}


def _together(failures: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The first failure, which names the ranks that failed too."""
    first = failures[0]
    if len(failures) > 1:
        others = ", ".join(str(failure["rank"]) for failure in failures[1:])
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
