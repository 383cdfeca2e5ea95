"""One step of an optimizer for one parameter, as one operation: what a training loop does last, in one pass.

In all of them param and grad have one shape; accumulators have it too, with a floating dtype of their own, in which the
step is computed. learning_rate (0-d, floating) and step (0-d, integer, 1 for the first) are operands, so that a traced
step serves all their values. `weight_decay` is decoupled: param · (1 - learning_rate · weight_decay) before the update
(Loshchilov and Hutter 2019, Decoupled weight decay regularization, algorithm 2). Where an operation's last operands are
optional, the results hold an entry for each one that was given, in the same order.
"""

from __future__ import annotations

from math import log

from ..errors import AttributeValueError, ShapeError
from ..operation import composite
from .arithmetic import maximum, sqrt
from .exponential import expm1
from .signs import sign
from .type_conversion import cast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..metas import TensorMeta
    from .annotations import Floating, Index, LearningRate, Statistic


def _check(operation: str, param: TensorMeta, scalars: dict[str, TensorMeta], **alike: TensorMeta | None) -> None:
    for name, meta in alike.items():
        if meta is not None and meta.shape != param.shape:
            raise ShapeError(
                f"{operation}: {name} isn't shaped like the parameter",
                where=f"{operation}, {name}",
                expected=f"{param.shape}",
                got=f"{meta.shape}",
            )
    for name, meta in scalars.items():
        if meta.shape != ():
            raise ShapeError(
                f"{operation}: {name} must be 0-d", where=f"{operation}, {name}", expected="()", got=f"{meta.shape}"
            )


def _as(array: Floating, like: Floating) -> Floating:
    return array if array.dtype is like.dtype else cast(array, dtype=like.dtype)


def _decayed(param: Floating, rate: Floating, weight_decay: float) -> Floating:
    return param - param * (rate * weight_decay) if weight_decay else param


def _power_complement(base: float, step: Floating) -> Floating | float:
    """1 - base ** step, without the cancellation that the first steps of a base near 1 would suffer."""
    return 1.0 if base == 0.0 else -expm1(step * log(base))


# ---------------------------------------------------------------------- gradient descent


def _infer_sgd(param: TensorMeta, grad: TensorMeta, learning_rate: TensorMeta, *, weight_decay: float) -> TensorMeta:
    _check("sgd_update", param, {"learning_rate": learning_rate}, grad=grad)
    return param


@composite(version=1, infer=_infer_sgd)
def sgd_update(
    param: Floating, grad: Floating, learning_rate: LearningRate, /, *, weight_decay: float = 0.0
) -> Floating:
    """param - learning_rate · grad: gradient descent.

    Source: Goodfellow, Bengio and Courville 2016, Deep Learning, algorithm 8.1.
    """
    rate = _as(learning_rate, param)
    return _decayed(param, rate, weight_decay) - rate * grad


def _infer_momentum(
    param: TensorMeta, grad: TensorMeta, velocity: TensorMeta, learning_rate: TensorMeta, **_attributes: object
) -> tuple[TensorMeta, ...]:
    _check("momentum_update", param, {"learning_rate": learning_rate}, grad=grad, velocity=velocity)
    return param, velocity


@composite(version=1, infer=_infer_momentum)
def momentum_update(
    param: Floating,
    grad: Floating,
    velocity: Statistic,
    learning_rate: LearningRate,
    /,
    *,
    momentum: float = 0.9,
    nesterov: bool = False,
    weight_decay: float = 0.0,
) -> tuple[Floating, Floating]:
    """param + velocity' and velocity' = momentum · velocity - learning_rate · grad; with `nesterov`,
    param + momentum · velocity' - learning_rate · grad.

    Source: Sutskever et al. 2013, On the importance of initialization and momentum, equations 1 to 4; as Keras 3, SGD.
    """
    rate = _as(learning_rate, velocity)
    descent = rate * _as(grad, velocity)
    velocity = momentum * velocity - descent
    change = momentum * velocity - descent if nesterov else velocity
    return _as(_decayed(_as(param, velocity), rate, weight_decay) + change, param), velocity


# ---------------------------------------------------------------------- steps divided by the gradient's size


def _infer_adagrad(
    param: TensorMeta, grad: TensorMeta, accumulator: TensorMeta, learning_rate: TensorMeta, **_attributes: object
) -> tuple[TensorMeta, ...]:
    _check("adagrad_update", param, {"learning_rate": learning_rate}, grad=grad, accumulator=accumulator)
    return param, accumulator


@composite(version=1, infer=_infer_adagrad)
def adagrad_update(
    param: Floating,
    grad: Floating,
    accumulator: Statistic,
    learning_rate: LearningRate,
    /,
    *,
    epsilon: float = 1e-7,
    weight_decay: float = 0.0,
) -> tuple[Floating, Floating]:
    """param - learning_rate · grad / √(accumulator' + epsilon) and accumulator' = accumulator + grad².

    Source: Duchi, Hazan and Singer 2011, Adaptive subgradient methods, figure 1; epsilon as in Keras 3.
    """
    rate, gradient = _as(learning_rate, accumulator), _as(grad, accumulator)
    accumulator = accumulator + gradient * gradient
    change = rate * gradient / sqrt(accumulator + epsilon)
    return _as(_decayed(_as(param, accumulator), rate, weight_decay) - change, param), accumulator


def _infer_rmsprop(
    param: TensorMeta,
    grad: TensorMeta,
    mean_square: TensorMeta,
    learning_rate: TensorMeta,
    velocity: TensorMeta | None,
    mean_gradient: TensorMeta | None,
    **_attributes: object,
) -> tuple[TensorMeta, ...]:
    accumulators = {"mean_square": mean_square, "velocity": velocity, "mean_gradient": mean_gradient}
    _check("rmsprop_update", param, {"learning_rate": learning_rate}, grad=grad, **accumulators)
    return param, *(meta for meta in accumulators.values() if meta is not None)


@composite(version=1, infer=_infer_rmsprop)
def rmsprop_update(
    param: Floating,
    grad: Floating,
    mean_square: Statistic,
    learning_rate: LearningRate,
    velocity: Statistic | None,
    mean_gradient: Statistic | None,
    /,
    *,
    rho: float = 0.9,
    momentum: float = 0.0,
    epsilon: float = 1e-7,
    weight_decay: float = 0.0,
) -> tuple[Floating, ...]:
    """param - change, then mean_square' = rho · mean_square + (1 - rho) · grad², then the optional ones:

        mean_gradient' = rho · mean_gradient + (1 - rho) · grad       (given: the centered form; else 0 below)
        step           = learning_rate · grad / √(mean_square' - mean_gradient'² + epsilon)
        velocity'      = momentum · velocity + step                    (given: change = velocity'; else change = step)

    Results: param, mean_square, and velocity and mean_gradient where given.

    Source: Tieleman and Hinton 2012, lecture 6.5; centered: Graves 2013, arXiv:1308.0850, eq. 38 to 45; as Keras 3.
    """
    rate, gradient = _as(learning_rate, mean_square), _as(grad, mean_square)
    mean_square = rho * mean_square + (1.0 - rho) * (gradient * gradient)
    spread, results = mean_square, [mean_square]
    if mean_gradient is not None:
        mean_gradient = rho * mean_gradient + (1.0 - rho) * gradient
        spread = mean_square - mean_gradient * mean_gradient
    change = rate * gradient / sqrt(spread + epsilon)
    if velocity is not None:
        change = momentum * velocity + change
        results.append(change)
    if mean_gradient is not None:
        results.append(mean_gradient)
    return _as(_decayed(_as(param, change), rate, weight_decay) - change, param), *results


# ---------------------------------------------------------------------- moments


def _infer_adam(
    param: TensorMeta,
    grad: TensorMeta,
    first_moment: TensorMeta,
    second_moment: TensorMeta,
    step: TensorMeta,
    learning_rate: TensorMeta,
    largest_second_moment: TensorMeta | None,
    *,
    beta_1: float,
    beta_2: float,
    **_attributes: object,
) -> tuple[TensorMeta, ...]:
    for name, beta in (("beta_1", beta_1), ("beta_2", beta_2)):
        if not 0.0 <= beta < 1.0:
            raise AttributeValueError(f"adam_update: {name} is out of range", expected="0 ≤ beta < 1", got=beta)
    moments = {
        "first_moment": first_moment,
        "second_moment": second_moment,
        "largest_second_moment": largest_second_moment,
    }
    _check("adam_update", param, {"learning_rate": learning_rate, "step": step}, grad=grad, **moments)
    return param, *(meta for meta in moments.values() if meta is not None)


@composite(version=1, infer=_infer_adam)
def adam_update(
    param: Floating,
    grad: Floating,
    first_moment: Statistic,
    second_moment: Statistic,
    step: Index,
    learning_rate: LearningRate,
    largest_second_moment: Statistic | None,
    /,
    *,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-7,
    weight_decay: float = 0.0,
) -> tuple[Floating, ...]:
    """One step of Adam, of AdamW with `weight_decay`, of AMSGrad where `largest_second_moment` is given:

        first_moment'  = beta_1 · first_moment + (1 - beta_1) · grad
        second_moment' = beta_2 · second_moment + (1 - beta_2) · grad²
        size           = second_moment', or max(largest_second_moment, second_moment'), which is then a result too
        rate           = learning_rate · √(1 - beta_2^step) / (1 - beta_1^step)
        param'         = param - rate · first_moment' / (√size + epsilon)

    Results: param, first_moment, second_moment, and largest_second_moment where given.

    Source: Kingma and Ba 2015, Adam, end of section 2 (epsilon there is ε̂); Loshchilov and Hutter 2019, algorithm 2;
    Reddi, Kale and Kumar 2018, On the convergence of Adam and beyond, algorithm 2; as Keras 3.
    """
    rate, gradient = _as(learning_rate, first_moment), _as(grad, first_moment)
    count = cast(step, dtype=first_moment.dtype)
    first_moment = beta_1 * first_moment + (1.0 - beta_1) * gradient
    second_moment = beta_2 * second_moment + (1.0 - beta_2) * (gradient * gradient)
    results, size = [first_moment, second_moment], second_moment
    if largest_second_moment is not None:
        size = maximum(largest_second_moment, second_moment)
        results.append(size)
    corrected = rate * sqrt(_power_complement(beta_2, count)) / _power_complement(beta_1, count)
    change = corrected * first_moment / (sqrt(size) + epsilon)
    return _as(_decayed(_as(param, change), rate, weight_decay) - change, param), *results


def _infer_lion(
    param: TensorMeta, grad: TensorMeta, first_moment: TensorMeta, learning_rate: TensorMeta, **_attributes: object
) -> tuple[TensorMeta, ...]:
    _check("lion_update", param, {"learning_rate": learning_rate}, grad=grad, first_moment=first_moment)
    return param, first_moment


@composite(version=1, infer=_infer_lion)
def lion_update(
    param: Floating,
    grad: Floating,
    first_moment: Statistic,
    learning_rate: LearningRate,
    /,
    *,
    beta_1: float = 0.9,
    beta_2: float = 0.99,
    weight_decay: float = 0.0,
) -> tuple[Floating, Floating]:
    """param - learning_rate · sign(beta_1 · first_moment + (1 - beta_1) · grad) and
    first_moment' = beta_2 · first_moment + (1 - beta_2) · grad.

    Source: Chen et al. 2023, Symbolic discovery of optimization algorithms, algorithm 2.
    """
    rate, gradient = _as(learning_rate, first_moment), _as(grad, first_moment)
    change = rate * sign(beta_1 * first_moment + (1.0 - beta_1) * gradient)
    first_moment = beta_2 * first_moment + (1.0 - beta_2) * gradient
    return _as(_decayed(_as(param, change), rate, weight_decay) - change, param), first_moment
