"""How far results lie from a float64 reference, and what we hold ourselves to."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from benchmarks.workloads.workload import Arrays

EVIDENCE_FACTOR = 2.0  # our error against the best peer's
EVIDENCE_FLOOR = 1e-6  # a few float32 roundings: below it no error is a fault
EVIDENCE_KINK_FLOOR = 2e-2  # of gradients that a rounding at a kink can change
CURVE_TOLERANCE = 1e-3  # of a loss, relative


def evidence_error(found: Arrays, reference: Arrays) -> float:
    """The largest, over the reference's arrays, of ‖found − reference‖ / ‖reference‖; infinity where one is missing."""
    return max((_relative_norm(found[name], reference[name]) if name in found else float("inf")) for name in reference)


def _relative_norm(found: "np.typing.ArrayLike", reference: "np.typing.ArrayLike") -> float:
    expected = np.asarray(reference, np.float64)
    actual = np.asarray(found, np.float64)
    if actual.shape != expected.shape:
        return float("inf")
    error = float(np.linalg.norm(actual - expected) / max(float(np.linalg.norm(expected)), np.finfo(float).tiny))
    return error if np.isfinite(error) else float("inf")


def curve_error(losses: Sequence[float], reference: Sequence[float]) -> float:
    """The largest relative difference of two loss curves, as far as both go."""
    pairs = zip(losses, reference, strict=False)
    errors = [abs(loss - expected) / max(abs(expected), 1e-12) for loss, expected in pairs]
    return max((error if np.isfinite(error) else float("inf") for error in errors), default=float("inf"))


def evidence_holds(ours: float, peers: Iterable[float], *, kinks: bool = False) -> bool:
    """Whether our error is at most twice the best peer's, or negligible."""
    floor = EVIDENCE_KINK_FLOOR if kinks else EVIDENCE_FLOOR
    return ours <= max(floor, EVIDENCE_FACTOR * min(peers, default=0.0))


def curve_holds(ours: float, peers: Mapping[str, float]) -> bool:
    """Whether our loss curve agrees: within the tolerance, or within twice what the peers themselves stray.

    Rounding grows along a curve, so late losses of equally good programs differ by more than one step's rounding.
    """
    return ours <= max(CURVE_TOLERANCE, EVIDENCE_FACTOR * max(peers.values(), default=0.0))
