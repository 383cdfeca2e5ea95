"""Initial values of variables, as Keras names them. An initializer is called with a shape and a dtype.

Random ones take `seed`: the same seed gives the same values each time; None takes a fresh key from the process's
source, which `dovetail.random.set_seed` makes repeatable.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from math import prod, sqrt
from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.dtypes import DType, float32
from dovetail_protocols.errors import AttributeValueError, ShapeError

from .random_state import initial_state

Shape = tuple[int, ...]
# A normal distribution cut at two standard deviations has this standard deviation itself.
_TRUNCATED_DEVIATION = 0.87962566103423978


class Initializer(ABC):
    """Gives the first value of a variable."""

    @abstractmethod
    def __call__(self, shape: Shape, dtype: DType = float32) -> Any:
        """An array of that shape and dtype."""


class Constant(Initializer):
    """Every element is `value`."""

    def __init__(self, value: float = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Shape, dtype: DType = float32) -> Any:
        return ops.full(shape=shape, fill_value=self.value, dtype=dtype)


class Zeros(Constant):
    """Every element is 0."""

    def __init__(self) -> None:
        super().__init__(0.0)


class Ones(Constant):
    """Every element is 1."""

    def __init__(self) -> None:
        super().__init__(1.0)


class Identity(Initializer):
    """`gain` on the diagonal of a matrix, 0 elsewhere."""

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Shape, dtype: DType = float32) -> Any:
        if len(shape) != 2:
            raise ShapeError("Identity: only matrices have a diagonal", expected="(rows, columns)", got=shape)
        return ops.eye(n_rows=shape[0], n_cols=shape[1], dtype=dtype) * self.gain


class _Random(Initializer):
    def __init__(self, seed: int | None) -> None:
        self.seed = seed

    def _state(self) -> Any:
        return initial_state(self.seed)


class RandomNormal(_Random):
    """Normally distributed."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def __call__(self, shape: Shape, dtype: DType = float32) -> Any:
        return ops.random_normal(
            self._state(), shape=shape, mean=self.mean, standard_deviation=self.stddev, dtype=dtype
        )


class RandomUniform(_Random):
    """Evenly distributed in [minval, maxval)."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.minval, self.maxval = minval, maxval

    def __call__(self, shape: Shape, dtype: DType = float32) -> Any:
        return ops.random_uniform(self._state(), shape=shape, minimum=self.minval, maximum=self.maxval, dtype=dtype)


class TruncatedNormal(_Random):
    """Normally distributed, but never further than two standard deviations from the mean."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def __call__(self, shape: Shape, dtype: DType = float32) -> Any:
        return ops.random_truncated_normal(
            self._state(), shape=shape, mean=self.mean, standard_deviation=self.stddev, dtype=dtype
        )


class VarianceScaling(_Random):
    """Zero mean, variance `scale / n`: n is the number of inputs ("fan_in"), of outputs ("fan_out"), or their mean
    ("fan_avg"). `distribution` is "truncated_normal", "untruncated_normal" or "uniform".

    Source: X. Glorot, Y. Bengio, 2010; K. He et al., 2015; Keras, VarianceScaling.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
    ) -> None:
        super().__init__(seed)
        if not scale > 0:
            raise AttributeValueError("VarianceScaling: scale must be positive", got=scale)
        _one_of("mode", mode, ("fan_in", "fan_out", "fan_avg"))
        _one_of("distribution", distribution, ("truncated_normal", "untruncated_normal", "uniform"))
        self.scale, self.mode, self.distribution = scale, mode, distribution

    def __call__(self, shape: Shape, dtype: DType = float32) -> Any:
        fan_in, fan_out = fans(shape)
        count = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        deviation = sqrt(self.scale / max(1.0, count))
        if self.distribution == "uniform":
            limit = sqrt(3.0) * deviation
            return ops.random_uniform(self._state(), shape=shape, minimum=-limit, maximum=limit, dtype=dtype)
        if self.distribution == "untruncated_normal":
            return ops.random_normal(self._state(), shape=shape, standard_deviation=deviation, dtype=dtype)
        return ops.random_truncated_normal(
            self._state(), shape=shape, standard_deviation=deviation / _TRUNCATED_DEVIATION, dtype=dtype
        )


class GlorotUniform(VarianceScaling):
    """Even in ±√(6 / (inputs + outputs)). Source: X. Glorot, Y. Bengio, 2010, equation 16."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_avg", "uniform", seed)


class GlorotNormal(VarianceScaling):
    """Truncated normal, variance 2 / (inputs + outputs). Source: X. Glorot, Y. Bengio, 2010."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_avg", "truncated_normal", seed)


class HeUniform(VarianceScaling):
    """Even, variance 2 / inputs. Source: K. He et al., Delving deep into rectifiers, 2015, equation 10."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(2.0, "fan_in", "uniform", seed)


class HeNormal(VarianceScaling):
    """Truncated normal, variance 2 / inputs. Source: K. He et al., 2015, equation 10."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(2.0, "fan_in", "truncated_normal", seed)


class LecunUniform(VarianceScaling):
    """Even, variance 1 / inputs. Source: Y. LeCun et al., Efficient backprop, 1998, equation 16."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_in", "uniform", seed)


class LecunNormal(VarianceScaling):
    """Truncated normal, variance 1 / inputs. Source: Y. LeCun et al., 1998, equation 16."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_in", "truncated_normal", seed)


class Orthogonal(_Random):
    """A matrix with orthonormal rows or columns, times `gain`; axes but the last count as rows.

    By Gram–Schmidt, done twice for orthogonality to rounding (W. Kahan's "twice is enough"), of a normal matrix.
    Source: A. Saxe et al., Exact solutions to the nonlinear dynamics of learning, 2014.
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        super().__init__(seed)
        self.gain = gain

    def __call__(self, shape: Shape, dtype: DType = float32) -> Any:
        if len(shape) < 2:
            raise ShapeError("Orthogonal: only matrices can be orthogonal", expected="at least two axes", got=shape)
        rows, columns = prod(shape[:-1]), shape[-1]
        count, size = min(rows, columns), max(rows, columns)
        vectors = ops.unstack(ops.random_normal(self._state(), shape=(count, size), dtype=dtype))
        basis: list[Any] = []
        for vector in vectors:
            for _ in range(2 if basis else 0):
                known = ops.stack(*basis)
                vector = vector - (known @ vector) @ known
            basis.append(vector / ops.sqrt(ops.sum(vector * vector)))
        matrix = ops.stack(*basis)
        if rows >= columns:
            matrix = ops.matrix_transpose(matrix)
        return ops.reshape(matrix, shape=shape) * self.gain


def fans(shape: Shape) -> tuple[float, float]:
    """How many inputs and outputs a unit has: for a kernel (*window, inputs, outputs) each times the window's size."""
    if not shape:
        return 1.0, 1.0
    if len(shape) == 1:
        return float(shape[0]), float(shape[0])
    window = prod(shape[:-2])
    return float(shape[-2] * window), float(shape[-1] * window)


_BY_NAME: dict[str, Callable[[], Initializer]] = {
    "constant": Constant,
    "glorot_normal": GlorotNormal,
    "glorot_uniform": GlorotUniform,
    "he_normal": HeNormal,
    "he_uniform": HeUniform,
    "identity": Identity,
    "lecun_normal": LecunNormal,
    "lecun_uniform": LecunUniform,
    "ones": Ones,
    "orthogonal": Orthogonal,
    "random_normal": RandomNormal,
    "random_uniform": RandomUniform,
    "truncated_normal": TruncatedNormal,
    "variance_scaling": VarianceScaling,
    "zeros": Zeros,
}


def get(identifier: str | Callable[..., Any]) -> Callable[..., Any]:
    """The initializer that a name stands for, or the given one.

    Raises: AttributeValueError for an unknown name.
    """
    if callable(identifier):
        return identifier
    _one_of("initializer", identifier, tuple(_BY_NAME))
    return _BY_NAME[identifier]()


def _one_of(what: str, value: Any, known: tuple[str, ...]) -> None:
    if value not in known:
        raise AttributeValueError(f"unknown {what} {value!r}", expected=", ".join(known), got=repr(value))
