"""check_gradients: derivatives against finite differences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import cbrt
from random import Random
from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.arrays import is_variable, provider
from dovetail_protocols.dtypes import DType
from dovetail_protocols.errors import AttributeValueError, DTypeError

from .forward import jvp
from .reverse import vjp
from .seeds import from_numbers
from .structure import flatten, unflatten

EPSILON: dict[str, float] = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "float64": 2.0**-52}
"""Distance from 1 to the next number."""


def tolerance_of(dtype: DType) -> float:
    """How far analytic and numeric derivatives may differ, relative to max(1, |numeric|): 10⁴ · ε^(2/3).

    Central differences with step h err by h²·|f‴|/6 from the series and by ε·|f|/h from rounding; h = ε^(1/3) makes
    both of the order of ε^(2/3) (3.7e-11 for float64, 2.4e-5 for float32). The factor is room for |f| and |f‴| up to
    10⁴ in float64 (tolerance 3.7e-7). In narrower dtypes it is 10³, since a tolerance near 1 would find nothing.
    """
    factor = 1e4 if dtype.size_bytes // (2 if dtype.is_complex else 1) == 8 else 1e3
    return min(factor * _step(dtype) * _step(dtype), 0.5)


def check_gradients(
    function: Callable[..., Any],
    *arrays: Any,
    order: int = 1,
    modes: Sequence[str] = ("reverse", "forward"),
    tolerance: float | None = None,
    seed: int = 0,
) -> None:
    """Compares derivatives of a function with central differences, element by element, and raises where they differ.

    `arrays`: the arguments (also nested containers); those that are floating or complex are differentiated, others are
    passed on. The function may return several arrays in containers; it is contracted with random cotangents drawn from
    `seed`. `modes`: "reverse" compares every element of the gradient, "forward" a derivative along a random direction.
    `order=2` checks the gradient's own derivatives too, which for "reverse" is reverse over reverse. float64 arguments
    are advised: see `tolerance_of` for the default. The function must be smooth at the point, and deterministic.

    Raises: AssertionError with the mode, argument, element, analytic and numeric value of the worst disagreement.
    """
    if order not in (1, 2) or not set(modes) <= {"reverse", "forward"} or not modes:
        raise AttributeValueError(
            "check_gradients: unknown order or mode",
            expected='order 1 or 2, modes out of "reverse" and "forward"',
            got=f"order={order!r}, modes={modes!r}",
        )
    checked = _Checked(function, arrays, Random(seed))
    if "reverse" in modes:
        checked.check_reverse(tolerance)
    if "forward" in modes:
        checked.check_forward(tolerance)
    if order == 2:
        check_gradients(checked.gradient, *checked.point, modes=modes, tolerance=tolerance, seed=seed + 1)


class _Checked:
    """A function of some arrays, `point`, with the rest of its arguments held, contracted with fixed cotangents."""

    def __init__(self, function: Callable[..., Any], arrays: Sequence[Any], random: Random) -> None:
        leaves, self.structure = flatten(tuple(arrays))
        self.leaves = [leaf if is_variable(leaf) else provider().convert(leaf) for leaf in leaves]
        self.places = [
            place for place, leaf in enumerate(self.leaves) if not is_variable(leaf) and leaf.dtype.is_differentiable
        ]
        if not self.places:
            raise DTypeError("check_gradients: no argument is floating or complex", got=f"{self.leaves}")
        self.point = [self.leaves[place] for place in self.places]
        self.function, self.random = function, random
        outputs = self.outputs(*self.point)
        self.kept = [place for place, output in enumerate(outputs) if output.dtype.is_differentiable]
        self.cotangents = [self.draw(outputs[place]) for place in self.kept]

    def outputs(self, *point: Any) -> list[Any]:
        """All arrays that the function returns."""
        leaves = list(self.leaves)
        for place, array in zip(self.places, point, strict=True):
            leaves[place] = array
        return [provider().convert(leaf) for leaf in flatten(self.function(*unflatten(self.structure, leaves)))[0]]

    def differentiable(self, *point: Any) -> list[Any]:
        """The floating and complex ones."""
        outputs = self.outputs(*point)
        return [outputs[place] for place in self.kept]

    def draw(self, like: Any) -> Any:
        """Random numbers in [-1, -0.1] and [0.1, 1], of an array's shape and dtype."""
        numbers: list[complex] = []
        for _ in range(like.meta.size):
            real, imaginary = (self.random.choice((-1, 1)) * self.random.uniform(0.1, 1) for _ in range(2))
            numbers.append(complex(real, imaginary) if like.dtype.is_complex else real)
        return from_numbers(numbers, like.meta)

    def gradient(self, *point: Any) -> Any:
        """The gradient of the contraction, by reverse mode."""
        return vjp(self.differentiable, *point)[1](self.cotangents)

    def contracted(self, point: Sequence[Any]) -> float:
        """Σ Re(cotangent · output), in Python's float."""
        return sum(map(_inner, self.cotangents, self.differentiable(*point)))

    # ------------------------------------------------------------------ the two modes

    def check_reverse(self, tolerance: float | None) -> None:
        gradient = self.gradient(*self.point)
        worst = (0.0, "")
        for place, array in enumerate(self.point):
            _compare_metas(f"reverse mode, argument {place}", gradient[place], array)
            allowed = tolerance or tolerance_of(array.dtype)
            for index, unit in _units(array):
                numeric = self.difference({place: unit}, array)
                analytic = _inner(gradient[place], unit)
                worst = max(
                    worst, _deviation("reverse", f"argument {place}, element {index}", analytic, numeric, allowed)
                )
        _judge(worst)

    def check_forward(self, tolerance: float | None) -> None:
        directions = [self.draw(array) for array in self.point]
        results, pushed = jvp(self.differentiable, tuple(self.point), tuple(directions))
        worst = (0.0, "")
        for place, tangent in enumerate(pushed):
            _compare_metas(f"forward mode, output {place}", tangent, results[place])
            allowed = tolerance or max(tolerance_of(array.dtype) for array in self.point)
            for index, unit in _units(tangent):
                numeric = self.difference(dict(enumerate(directions)), self.point[0], output=(place, unit))
                analytic = _inner(unit, tangent)
                worst = max(
                    worst, _deviation("forward", f"output {place}, element {index}", analytic, numeric, allowed)
                )
        _judge(worst)

    def difference(self, directions: dict[int, Any], like: Any, output: tuple[int, Any] | None = None) -> float:
        """(g(point + h·direction) − g(point − h·direction)) / 2h; g is the contraction, or one element of an output."""
        step = _step(like.dtype)
        values: list[float] = []
        for signed in (step, -step):
            moved = list(self.point)
            for place, direction in directions.items():
                moved[place] = ops.add(moved[place], ops.multiply(direction, signed))
            if output is None:
                values.append(self.contracted(moved))
            else:
                values.append(_inner(output[1], self.differentiable(*moved)[output[0]]))
        return (values[0] - values[1]) / (2 * step)


def _step(dtype: DType) -> float:
    """ε^(1/3), ε that of the dtype's real and imaginary part."""
    return cbrt(EPSILON[{"complex64": "float32", "complex128": "float64"}.get(dtype.name, dtype.name)])


def _inner(first: Any, second: Any) -> float:
    """Re Σ first · second."""
    return (
        complex(ops.sum(ops.multiply(first, second))).real if first.dtype.is_complex else float(ops.sum(first * second))
    )


def _units(array: Any) -> Iterator[tuple[tuple[int, ...], Any]]:
    """For each element its index and the array that is 1 there and 0 elsewhere; for complex ones 1, then i."""
    size = array.meta.size
    for place in range(size):
        for one in (1, 1j) if array.dtype.is_complex else (1,):
            numbers: list[complex] = [0] * size
            numbers[place] = one
            yield _unravel(place, array.shape), from_numbers(numbers, array.meta)


def _unravel(place: int, shape: Sequence[int]) -> tuple[int, ...]:
    index = []
    for size in reversed(shape):
        place, rest = divmod(place, size)
        index.append(rest)
    return tuple(reversed(index))


def _deviation(mode: str, where: str, analytic: float, numeric: float, allowed: float) -> tuple[float, str]:
    """How many tolerances two derivatives are apart (infinitely many if one is not a number), and the message."""
    apart = abs(analytic - numeric) / (allowed * max(1.0, abs(numeric)))
    apart = float("inf") if apart != apart else apart
    found = f"analytic {analytic!r}, numeric {numeric!r}"
    return apart, f"{mode} mode, {where}: {found}; {apart:.3g} times the tolerance {allowed:.3g}"


def _compare_metas(where: str, derivative: Any, array: Any) -> None:
    """A derivative of another shape would broadcast in the comparison, and pass."""
    if derivative.meta != array.meta:
        raise AssertionError(f"gradient check failed. {where}: the derivative is {derivative.meta}, not {array.meta}")


def _judge(worst: tuple[float, str]) -> None:
    if worst[0] > 1:
        raise AssertionError(f"gradient check failed. The worst disagreement: {worst[1]}")
