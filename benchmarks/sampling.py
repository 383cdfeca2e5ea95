"""Timing inside a measuring process."""

import time

from benchmarks.drivers.session import Session

SAMPLES_PER_TURN = 5


def calibrate(session: Session, sample_seconds: float) -> int:
    """How many steps make a sample of about `sample_seconds`; at least one. Runs some steps, which also warm up."""
    count = 1
    while True:
        elapsed = _timed(session, count)
        if elapsed >= sample_seconds / 2:
            elapsed = min(elapsed, _timed(session, count))  # a single long one may be another program's fault
        if elapsed >= sample_seconds / 2 or count >= 1 << 30:
            return max(1, round(count * sample_seconds / elapsed))
        count *= 2 if elapsed > sample_seconds / 8 else 8


def turn(session: Session, count: int, seconds: float) -> list[float]:
    """Seconds a step, of one to five samples of `count` steps in about `seconds`.

    Others have run since the last turn, so the first fifth of a sample, at least a step, is discarded.
    """
    session.run(max(1, count // SAMPLES_PER_TURN))
    samples: list[float] = []
    deadline = time.perf_counter() + seconds
    while not samples or (len(samples) < SAMPLES_PER_TURN and time.perf_counter() < deadline):
        samples.append(_timed(session, count) / count)
    return samples


def _timed(session: Session, count: int) -> float:
    start = time.perf_counter()
    session.run(count)
    return time.perf_counter() - start
