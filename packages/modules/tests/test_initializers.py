"""Initializers: moments, bounds, orthogonality, seeds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dovetail_modules import initializers as ini
from dovetail_modules import layers
from dovetail_protocols.dtypes import float64
from dovetail_protocols.errors import AttributeValueError, ShapeError
from dovetail_protocols.seeds import set_seed

SHAPE = (300, 200)


def draw(initializer: Any, shape: tuple[int, ...] = SHAPE) -> Any:
    return initializer(shape).numpy().astype(np.float64)


@pytest.mark.parametrize(
    ("initializer", "deviation"),
    [
        (ini.RandomNormal(0.0, 0.3, seed=1), 0.3),
        (ini.RandomUniform(-0.3, 0.3, seed=1), 0.3 / 3**0.5),
        (ini.TruncatedNormal(0.0, 0.3, seed=1), 0.3 * 0.8796),
        (ini.GlorotUniform(seed=1), (2 / 500) ** 0.5),
        (ini.GlorotNormal(seed=1), (2 / 500) ** 0.5),
        (ini.HeUniform(seed=1), (2 / 300) ** 0.5),
        (ini.HeNormal(seed=1), (2 / 300) ** 0.5),
        (ini.LecunUniform(seed=1), (1 / 300) ** 0.5),
        (ini.LecunNormal(seed=1), (1 / 300) ** 0.5),
        (ini.VarianceScaling(3.0, "fan_out", "untruncated_normal", seed=1), (3 / 200) ** 0.5),
    ],
)
def test_moments_are_those_of_the_definition(initializer: Any, deviation: float) -> None:
    drawn = draw(initializer)
    # 60,000 draws: the mean is within 5 standard errors, the deviation within 1 %, about 3.5 of its own.
    assert abs(drawn.mean()) < 5 * deviation / 60_000**0.5
    assert drawn.std() == pytest.approx(deviation, rel=0.01)


def test_bounds() -> None:
    assert np.abs(draw(ini.TruncatedNormal(0.0, 1.0, seed=1))).max() <= 2.0
    assert np.abs(draw(ini.GlorotUniform(seed=1))).max() <= (6 / 500) ** 0.5


def test_fans_of_a_convolution_count_its_window() -> None:
    assert ini.fans((3, 5, 7, 11)) == (3 * 5 * 7, 3 * 5 * 11)


@pytest.mark.parametrize("shape", [(20, 20), (30, 10), (10, 30), (2, 3, 8)])
def test_orthogonal(shape: tuple[int, ...]) -> None:
    matrix = ini.Orthogonal(gain=2.0, seed=1)(shape, float64).numpy().reshape(-1, shape[-1])
    product = matrix @ matrix.T if len(matrix) < shape[-1] else matrix.T @ matrix
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-13)
    with pytest.raises(ShapeError, match="at least two axes"):
        ini.Orthogonal()((3,))


def test_constants_and_identity() -> None:
    assert draw(ini.Constant(1.5), (2,)).tolist() == [1.5, 1.5]
    assert draw(ini.Zeros(), (2,)).tolist() == [0, 0]
    assert draw(ini.Ones(), ()).tolist() == 1
    np.testing.assert_array_equal(draw(ini.Identity(2.0), (2, 3)), 2 * np.eye(2, 3))


def test_a_seed_repeats_and_none_does_not() -> None:
    assert np.array_equal(draw(ini.HeNormal(seed=4)), draw(ini.HeNormal(seed=4)))
    assert not np.array_equal(draw(ini.HeNormal(seed=4)), draw(ini.HeNormal(seed=5)))
    assert not np.array_equal(draw(ini.HeNormal()), draw(ini.HeNormal()))


def test_the_seed_of_the_process_makes_models_repeatable() -> None:
    def kernels() -> list[Any]:
        set_seed(11)
        model = layers.Sequential([layers.Dense(3), layers.Dense(3)])
        model(np.ones((1, 3), np.float32))
        return [variable.numpy() for variable in model.variables]

    try:
        first, second = kernels(), kernels()
    finally:
        set_seed(None)
    assert all(map(np.array_equal, first, second))
    assert not np.array_equal(first[1], first[3])


def test_names() -> None:
    assert isinstance(ini.get("he_normal"), ini.HeNormal)
    with pytest.raises(AttributeValueError, match="unknown initializer 'he'"):
        ini.get("he")
