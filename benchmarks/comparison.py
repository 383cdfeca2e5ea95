"""Dovetail against the fastest of the others."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from benchmarks.drivers.catalogue import OURS
from benchmarks.results import DriverResult, WorkloadResult
from benchmarks.summary import Summary, summarize


@dataclass(frozen=True, slots=True)
class Comparison:
    """Our time divided by the fastest peer's: below one we are faster."""

    fastest: str
    ratio: Summary

    @property
    def is_defeat(self) -> bool:
        """Whether the peer is faster, by however little."""
        return self.ratio.median > 1.0


def fastest_peer(result: WorkloadResult, among: Collection[str] | None = None) -> DriverResult | None:
    """The timed peer with the least median, of those named if any are.

    Neither the floor is a peer nor, unless named, what is ours under another name.
    """
    peers = (
        driver
        for name, driver in result.drivers.items()
        if name != result.floor_driver and (name in among if among is not None else not name.startswith(OURS))
    )
    timed = {driver.driver: driver.seconds for driver in peers if driver.seconds is not None}
    return result.drivers[min(timed, key=timed.__getitem__)] if timed else None


def compare(result: WorkloadResult, among: Collection[str] | None = None) -> Comparison | None:
    """The comparison with the fastest peer, or the fastest of those named; None where we or they have no time."""
    ours, peer = result.drivers.get(OURS), fastest_peer(result, among)
    if ours is None or peer is None or not ours.round_seconds:
        return None
    return Comparison(peer.driver, summarize(paired_ratios(ours.round_seconds, peer.round_seconds)))


def share_of_limit(result: WorkloadResult) -> float | None:
    """The floor's time divided by ours: one is the machine's limit. None where either is unknown."""
    ours = result.drivers.get(OURS)
    if ours is None or ours.seconds is None:
        return None
    floor = result.drivers.get(result.floor_driver or "")
    if floor is not None and floor.round_seconds:
        return summarize(paired_ratios(floor.round_seconds, ours.round_seconds)).median
    return result.floor_seconds / ours.seconds if result.floor_seconds else None


def paired_ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """One ratio a round: turns of the same round lie close in time, so the machine's drift cancels."""
    return [mine / other for mine, other in zip(ours, theirs, strict=False)]
