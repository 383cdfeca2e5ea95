"""Dovetail against the fastest of the others."""

from collections.abc import Sequence
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


def fastest_peer(result: WorkloadResult) -> DriverResult | None:
    """The timed peer with the least median. Neither what is ours under another name nor the floor is a peer."""
    peers = (
        driver for name, driver in result.drivers.items() if not name.startswith(OURS) and name != result.floor_driver
    )
    timed = {driver.driver: driver.seconds for driver in peers if driver.seconds is not None}
    return result.drivers[min(timed, key=timed.__getitem__)] if timed else None


def compare(result: WorkloadResult) -> Comparison | None:
    """The comparison, or None where we or all peers have no time."""
    ours, peer = result.drivers.get(OURS), fastest_peer(result)
    if ours is None or peer is None or not ours.round_seconds:
        return None
    return Comparison(peer.driver, summarize(paired_ratios(ours.round_seconds, peer.round_seconds)))


def share_of_limit(result: WorkloadResult) -> float | None:
    """The floor's time divided by ours: one is the machine's limit. None where either is unknown."""
    ours = result.drivers.get(OURS)
    floor = result.floor_seconds
    if result.floor_driver in result.drivers:
        floor = result.drivers[result.floor_driver].seconds
    if ours is None or ours.seconds is None or not floor:
        return None
    return floor / ours.seconds


def paired_ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """One ratio a round: turns of the same round lie close in time, so the machine's drift cancels."""
    return [mine / other for mine, other in zip(ours, theirs, strict=False)]
