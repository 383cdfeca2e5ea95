"""Initial weights and data from seeds: the same numbers in every process and framework."""

import math

import numpy as np

from benchmarks.workloads.workload import Array, float32


def generator(name: str, index: int = 0) -> np.random.Generator:
    """A generator for one purpose of one workload, such as its weights or its batch number `index`."""
    return np.random.default_rng([index, *name.encode()])


def kernel(random: np.random.Generator, *shape: int, gain: float = 2.0) -> Array:
    """A kernel in Keras's layout, inputs before outputs, normal with variance `gain` / fan-in."""
    deviation = math.sqrt(gain / math.prod(shape[:-1]))
    return float32(random.standard_normal(shape) * deviation)


def bias(random: np.random.Generator, size: int) -> Array:
    """A bias near zero, but not zero, so that a bias left out shows."""
    return float32(random.standard_normal(size) * 0.01)


def scale(random: np.random.Generator, size: int) -> Array:
    """The scale of a normalization, near one."""
    return float32(1.0 + random.standard_normal(size) * 0.01)


def normal(random: np.random.Generator, *shape: int) -> Array:
    """Standard normal data."""
    return random.standard_normal(shape, dtype=np.float32)


def labels(random: np.random.Generator, classes: int, *shape: int) -> Array:
    """Class numbers, int32."""
    return random.integers(classes, size=shape, dtype=np.int32)
