"""Schedules against their closed forms."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from dovetail_optimizers.schedules import Constant, CosineDecay, ExponentialDecay, Schedule
from dovetail_protocols.errors import AttributeValueError
from dovetail_tensors import constant


def warm_up_then_cosine(step: int) -> float:
    if step < 10:
        return 0.1 + (1.0 - 0.1) * step / 10
    progress = min(step - 10, 100) / 100
    return 0.05 + (1.0 - 0.05) * (1 + math.cos(math.pi * progress)) / 2


CASES: dict[str, tuple[Schedule, Callable[[int], float]]] = {
    "constant": (Constant(0.3), lambda step: 0.3),
    "exponential": (ExponentialDecay(0.5, 20, 0.9), lambda step: 0.5 * 0.9 ** (step / 20)),
    "staircase": (ExponentialDecay(0.5, 20, 0.9, staircase=True), lambda step: 0.5 * 0.9 ** (step // 20)),
    "cosine": (
        CosineDecay(0.5, 100, alpha=0.1),
        lambda step: 0.5 * (0.9 * (1 + math.cos(math.pi * min(step, 100) / 100)) / 2 + 0.1),
    ),
    "cosine with warm-up": (CosineDecay(0.1, 100, alpha=0.05, warmup_target=1.0, warmup_steps=10), warm_up_then_cosine),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("step", [0, 1, 9, 10, 11, 19, 20, 60, 99, 100, 110, 1000])
def test_schedule_follows_its_closed_form(name: str, step: int) -> None:
    schedule, expected = CASES[name]
    rate = schedule(constant(step))
    assert rate.shape == ()
    assert rate.dtype.name == "float32"
    assert float(rate) == pytest.approx(expected(step), rel=2e-6)


def test_a_schedule_without_length_is_refused() -> None:
    with pytest.raises(AttributeValueError, match="decay_steps must be positive"):
        CosineDecay(0.1, 0)
