"""State of every kind that a training has goes on where it was saved: drawn numbers, metrics, averages, loss scales."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dovetail as dt

DATA = np.random.default_rng(0).normal(size=(24, 3)).astype(np.float32)
BATCHES = 6


class Averages(dt.Module):
    """Exponential moving averages of variables, made at the first update."""

    def __init__(self, decay: float) -> None:
        super().__init__()
        self.decay, self.shadows = decay, {}

    def update(self, variables: dict[str, Any]) -> None:
        for name, variable in variables.items():
            if not variable.trainable:
                continue
            key = name.replace("/", ".")
            if key not in self.shadows:
                self.shadows[key] = dt.Variable(variable, trainable=False)
            self.shadows[key].assign(self.decay * self.shadows[key] + (1 - self.decay) * variable)


class LossScale(dt.Module):
    """A dynamic loss scale: doubled after some good steps, halved after a bad one."""

    def __init__(self) -> None:
        super().__init__()
        self.scale, self.good = dt.Variable(8.0, trainable=False), dt.Variable(0, trainable=False)

    def update(self, is_finite: bool) -> None:
        self.good.assign_add(1)
        if not is_finite or int(self.good) == 4:
            self.scale.assign(self.scale * (2.0 if is_finite else 0.5))
            self.good.assign(0)


def batches(place: int) -> Iterator[np.ndarray]:
    for number in itertools.count(place):
        epoch, batch = divmod(number, BATCHES)
        order = np.random.default_rng((5, epoch)).permutation(len(DATA))
        yield DATA[order[batch * 4 : batch * 4 + 4]]


class Training:
    """One of everything. Nothing is built before the first step."""

    def __init__(self, *, traced: bool) -> None:
        self.net = dt.layers.Sequential(
            [dt.layers.Dense(4, activation="tanh"), dt.layers.Dropout(0.3), dt.layers.Dense(1)]
        )
        schedule = dt.optimizers.schedules.CosineDecay(0.05, 40)
        self.optimizer = dt.optimizers.Adam(schedule, global_clipnorm=1.0)
        self.average, self.loss_scale = Averages(0.9), LossScale()
        self.mean, self.generator = dt.metrics.Mean(), dt.random.Generator(11)
        self.data = dt.checkpointing.ResumableIterator(batches)
        self.objects = dict(vars(self))
        self.checkpoint = dt.checkpointing.Checkpoint(**self.objects, random=dt.random.get_global_generator())
        self.gradient_step = dt.function(self._step) if traced else self._step

    def _step(self, x: Any) -> Any:
        with dt.GradientTape() as tape:
            loss = dt.mean((self.net(x, training=True) - 1.0) ** 2)
            scaled = loss * self.loss_scale.scale
        variables = self.net.trainable_variables
        gradients = [gradient / self.loss_scale.scale for gradient in tape.gradient(scaled, variables)]
        self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return loss

    def run(self, steps: int) -> list[tuple[str, ...]]:
        seen = []
        for _ in range(steps):
            x = dt.constant(next(self.data)) + self.generator.normal((4, 3), stddev=0.1) + dt.random.normal((3,))
            loss = self.gradient_step(x)
            self.average.update(self.net.named_variables())
            self.loss_scale.update(is_finite=float(loss) < 3.0)
            seen.append((float(loss).hex(), float(self.mean(loss)).hex(), float(self.loss_scale.scale).hex()))
        averages = [variable.numpy().tobytes().hex() for variable in self.average.shadows.values()]
        return [*seen, (*averages, float(self.optimizer.learning_rate).hex())]


@pytest.mark.parametrize("traced", [False, True])
def test_a_training_goes_on_in_new_objects_to_the_bit(tmp_path: Path, traced: bool) -> None:
    dt.random.set_seed(3)
    training = Training(traced=traced)
    manager = dt.checkpointing.Manager(tmp_path / "run", max_to_keep=2)
    for step in (3, 6, 9):
        training.run(3)
        manager.save(step, training.checkpoint)
    expected = training.run(5)
    assert manager.steps == (6, 9)

    dt.random.set_seed(4)
    resumed = Training(traced=traced)
    latest = dt.checkpointing.latest_checkpoint(tmp_path / "run")
    assert latest is not None
    with resumed.checkpoint.restore(latest):
        assert resumed.run(5) == expected
    assert resumed.data.place == 14


def test_what_is_not_in_the_checkpoint_starts_anew_and_is_named(tmp_path: Path) -> None:
    training = Training(traced=False)
    training.run(2)
    part = {name: value for name, value in training.objects.items() if name != "average"}
    dt.checkpointing.Checkpoint(**part).write(tmp_path / "c")
    fresh = Training(traced=False)
    status = dt.checkpointing.Checkpoint(**fresh.objects).restore(tmp_path / "c")
    fresh.run(1)
    assert [name for name in status.unmatched if not name.startswith("average/")] == []
    assert status.unmatched
    assert status.waiting == ()


def test_generators_that_were_split_and_kept_in_lists_go_on(tmp_path: Path) -> None:
    class Sampler(dt.Module):
        def __init__(self) -> None:
            super().__init__()
            self.streams: list[Any] = []

    sampler = Sampler()
    sampler.streams += dt.random.Generator(1).split(3)
    for place, stream in enumerate(sampler.streams):
        stream.uniform((place + 1,))
    dt.checkpointing.Checkpoint(sampler=sampler).write(tmp_path / "c")
    expected = [stream.uniform((2,)).numpy().tolist() for stream in sampler.streams]
    late = Sampler()
    with dt.checkpointing.bind(tmp_path / "c", {"sampler": late}):
        for _ in range(3):
            late.streams.append(dt.random.Generator(9))
        assert [stream.uniform((2,)).numpy().tolist() for stream in late.streams] == expected
