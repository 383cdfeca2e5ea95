"""Random numbers: counter-based (Philox4x32-10), so the same state gives the same numbers in every kernel package.

A `Generator` holds its state in a Variable: it draws in traced functions too, and checkpoints keep its place in the
stream. The functions named `stateless_…` take a seed and give the same numbers each time; the others draw from the
global generator, which `set_seed` makes repeatable.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from dovetail_protocols import creation as variable_creation
from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols import seeds as process_seeds
from dovetail_protocols.dispatch import interpreting
from dovetail_protocols.errors import AttributeValueError, ShapeError
from dovetail_protocols.metas import Device
from dovetail_protocols.operations.distributions import blocks_for

from .conversion import convert
from .creation import as_shape
from .devices import current_device, device
from .numpy_dtypes import find_dtype
from .tensor import Tensor
from .variable import Variable

__all__ = [
    "Generator",
    "bernoulli",
    "categorical",
    "exponential",
    "fold_in",
    "get_global_generator",
    "gumbel",
    "integers",
    "normal",
    "permutation",
    "set_global_generator",
    "set_seed",
    "shuffle",
    "split",
    "stateless_bernoulli",
    "stateless_categorical",
    "stateless_integers",
    "stateless_normal",
    "stateless_permutation",
    "stateless_shuffle",
    "stateless_truncated_normal",
    "stateless_uniform",
    "truncated_normal",
    "uniform",
]

Shape = int | Sequence[int]
DTypeName = dt.DType | str
WORD = 2**64


def state_of(seed: Any) -> Tensor:
    """The random state, three uint64, that a seed stands for: an int, a pair of ints, or a state itself.

    A pair (a, b), as TensorFlow's stateless functions take it, is the key a and the upper half of the counter b.

    Raises: ShapeError for anything else.
    """
    if isinstance(seed, int) and not isinstance(seed, bool):
        return convert([0, 0, seed % WORD], dt.uint64)
    given = convert(seed)
    if given.dtype.is_integer and given.shape == ():
        return ops.stack(*(convert(0, dt.uint64, given.device),) * 2, ops.cast(given, dtype=dt.uint64))
    if given.dtype.is_integer and given.shape == (2,):
        key, upper = ops.unstack(ops.cast(given, dtype=dt.uint64), axis=0)
        return ops.stack(convert(0, dt.uint64, given.device), upper, key)
    if given.dtype is dt.uint64 and given.shape[-1:] == (3,):
        return given
    raise ShapeError(
        "this is no random seed", expected="an int, a pair of ints, or a state uint64[3]", got=f"{given.meta}"
    )


def split(seed: Any, count: int = 2) -> Tensor:
    """As many states, independent of one another and of what the given one draws: (count, 3)."""
    return ops.random_split(state_of(seed), count=count)


def fold_in(seed: Any, number: Any) -> Tensor:
    """The state that a number names among those that a seed can be split into: one for each step, layer or example."""
    return ops.random_fold_in(state_of(seed), convert(number))


# ---------------------------------------------------------------------- from a seed


def stateless_uniform(
    shape: Shape, seed: Any, minval: float = 0, maxval: float | None = None, dtype: DTypeName = "float32"
) -> Tensor:
    """Numbers uniform in [minval, maxval), which is [0, 1) for floating dtypes by default.

    Raises: AttributeValueError where an integer dtype comes without maxval.
    """
    found = find_dtype(dtype)
    if found.is_integer:
        if maxval is None:
            raise AttributeValueError("uniform: integers need maxval", where="uniform, argument maxval")
        return stateless_integers(shape, seed, int(minval), int(maxval), found)
    upper = 1.0 if maxval is None else float(maxval)
    return ops.random_uniform(state_of(seed), shape=as_shape(shape), minimum=float(minval), maximum=upper, dtype=found)


def stateless_integers(shape: Shape, seed: Any, minval: int, maxval: int, dtype: DTypeName = "int32") -> Tensor:
    """Integers uniform from minval to maxval - 1."""
    return ops.random_integers(
        state_of(seed), shape=as_shape(shape), minimum=minval, maximum=maxval, dtype=find_dtype(dtype)
    )


def stateless_normal(
    shape: Shape, seed: Any, mean: float = 0.0, stddev: float = 1.0, dtype: DTypeName = "float32"
) -> Tensor:
    """Normally distributed numbers."""
    return ops.random_normal(
        state_of(seed), shape=as_shape(shape), mean=mean, standard_deviation=stddev, dtype=find_dtype(dtype)
    )


def stateless_truncated_normal(
    shape: Shape, seed: Any, mean: float = 0.0, stddev: float = 1.0, dtype: DTypeName = "float32"
) -> Tensor:
    """Normally distributed numbers within two standard deviations of the mean."""
    return ops.random_truncated_normal(
        state_of(seed), shape=as_shape(shape), mean=mean, standard_deviation=stddev, dtype=find_dtype(dtype)
    )


def stateless_exponential(shape: Shape, seed: Any, dtype: DTypeName = "float32") -> Tensor:
    """Exponentially distributed numbers of mean 1."""
    return ops.random_exponential(state_of(seed), shape=as_shape(shape), dtype=find_dtype(dtype))


def stateless_gumbel(shape: Shape, seed: Any, dtype: DTypeName = "float32") -> Tensor:
    """Numbers of the standard Gumbel distribution."""
    return ops.random_gumbel(state_of(seed), shape=as_shape(shape), dtype=find_dtype(dtype))


def stateless_bernoulli(shape: Shape, seed: Any, probability: float = 0.5) -> Tensor:
    """Bools that are true with a probability."""
    return ops.random_bernoulli(state_of(seed), shape=as_shape(shape), probability=probability)


def stateless_categorical(logits: Any, num_samples: int, seed: Any) -> Tensor:
    """Classes drawn with probabilities softmax(logits) over the last axis: (…, num_samples)."""
    return ops.random_categorical(state_of(seed), logits, num_samples=num_samples)


def stateless_permutation(count: int, seed: Any) -> Tensor:
    """The integers below `count` in random order."""
    return ops.random_permutation(state_of(seed), count=count)


def stateless_shuffle(x: Any, seed: Any, axis: int = 0) -> Tensor:
    """The parts of x along an axis in random order."""
    return ops.random_shuffle(state_of(seed), x, axis=axis)


# ---------------------------------------------------------------------- from a generator


class Generator:
    """A stream of random numbers. Each draw moves it on; the same seed gives the same stream.

    `state` is the Variable that holds its place: uint64 (counter low, counter high, key). Without a seed the operating
    system gives one. Draws are safe in several threads; which thread draws first decides who gets what.
    """

    def __init__(self, seed: Any = None) -> None:
        self.state = Variable(_entropy() if seed is None else state_of(seed), trainable=False, name="state")
        self._lock = threading.Lock()

    @classmethod
    def from_seed(cls, seed: Any) -> Generator:
        """The generator of a seed: an int, or a pair of ints."""
        return cls(seed)

    @classmethod
    def from_state(cls, state: Any) -> Generator:
        """A generator that goes on from another's state."""
        return cls(convert(state, dt.uint64))

    @classmethod
    def from_non_deterministic_state(cls) -> Generator:
        """A generator that the operating system seeds."""
        return cls()

    def __repr__(self) -> str:
        return f"Generator(state={self.state.tolist()})"

    def __deepcopy__(self, memo: dict[int, Any]) -> Generator:
        copied = memo[id(self)] = Generator.from_state(self.state.snapshot())
        return copied

    def __reduce__(self) -> Any:
        return Generator.from_state, (self.state.snapshot(),)

    def checkpoint_state(self) -> dict[str, Any]:
        """What a checkpoint keeps: the place in the stream."""
        return {"state": self.state}

    def load_checkpoint_state(self, scalars: Any) -> None:
        """Nothing: the state is a variable, which is restored by itself."""

    # ------------------------------------------------------------------ its place in the stream

    def reset_from_seed(self, seed: Any) -> None:
        """Starts the stream of a seed."""
        with device(self.state.device):
            self.state.assign(state_of(seed))

    def reset(self, state: Any) -> None:
        """Goes on from a state."""
        with device(self.state.device):
            self.state.assign(convert(state, dt.uint64))

    def split(self, count: int = 1) -> list[Generator]:
        """As many generators, independent of one another and of this one, which moves on."""
        with self._lock:
            state = self.state.read_value()
            self.state.assign(ops.random_advance(state, blocks=1))
        children = ops.random_split(state, count=count)
        return [Generator(children[place]) for place in range(count)]

    def make_seeds(self, count: int = 1) -> Tensor:
        """States for the stateless functions, independent of one another: (count, 3). The generator moves on."""
        return self._draw(1, lambda state: ops.random_split(state, count=count))

    def _draw(self, count: int, draw: Callable[[Tensor], Tensor]) -> Tensor:
        """What `draw` makes of the state, which then is moved on beyond `count` elements."""
        with self._lock:
            state = self.state.read_value()
            self.state.assign(ops.random_advance(state, blocks=blocks_for(count)))
        return draw(state)

    # ------------------------------------------------------------------ distributions

    def uniform(
        self, shape: Shape, minval: float = 0, maxval: float | None = None, dtype: DTypeName = "float32"
    ) -> Tensor:
        """Numbers uniform in [minval, maxval), which is [0, 1) for floating dtypes by default."""
        return self._draw(_count(shape), lambda state: stateless_uniform(shape, state, minval, maxval, dtype))

    def integers(self, shape: Shape, minval: int, maxval: int, dtype: DTypeName = "int32") -> Tensor:
        """Integers uniform from minval to maxval - 1."""
        return self._draw(_count(shape), lambda state: stateless_integers(shape, state, minval, maxval, dtype))

    def normal(self, shape: Shape, mean: float = 0.0, stddev: float = 1.0, dtype: DTypeName = "float32") -> Tensor:
        """Normally distributed numbers."""
        return self._draw(_count(shape), lambda state: stateless_normal(shape, state, mean, stddev, dtype))

    def truncated_normal(
        self, shape: Shape, mean: float = 0.0, stddev: float = 1.0, dtype: DTypeName = "float32"
    ) -> Tensor:
        """Normally distributed numbers within two standard deviations of the mean."""
        return self._draw(_count(shape), lambda state: stateless_truncated_normal(shape, state, mean, stddev, dtype))

    def exponential(self, shape: Shape, dtype: DTypeName = "float32") -> Tensor:
        """Exponentially distributed numbers of mean 1."""
        return self._draw(_count(shape), lambda state: stateless_exponential(shape, state, dtype))

    def gumbel(self, shape: Shape, dtype: DTypeName = "float32") -> Tensor:
        """Numbers of the standard Gumbel distribution."""
        return self._draw(_count(shape), lambda state: stateless_gumbel(shape, state, dtype))

    def bernoulli(self, shape: Shape, probability: float = 0.5) -> Tensor:
        """Bools that are true with a probability."""
        return self._draw(_count(shape), lambda state: stateless_bernoulli(shape, state, probability))

    def categorical(self, logits: Any, num_samples: int = 1) -> Tensor:
        """Classes drawn with probabilities softmax(logits) over the last axis: (…, num_samples)."""
        logits = convert(logits)
        return self._draw(logits.size * num_samples, lambda state: stateless_categorical(logits, num_samples, state))

    def permutation(self, count: int) -> Tensor:
        """The integers below `count` in random order."""
        return self._draw(count, lambda state: stateless_permutation(count, state))

    def shuffle(self, x: Any, axis: int = 0) -> Tensor:
        """The parts of x along an axis in random order."""
        x = convert(x)
        return self._draw(x.shape[axis], lambda state: stateless_shuffle(x, state, axis))


def _count(shape: Shape) -> int:
    return prod(as_shape(shape))


def _entropy() -> Tensor:
    return state_of(int.from_bytes(os.urandom(8), "little"))


# ---------------------------------------------------------------------- the global generator

_globals: dict[Device, Generator] = {}
_seed: Any = None
_global_lock = threading.Lock()


def get_global_generator() -> Generator:
    """The generator of this process and the current device that the functions without a seed draw from; made at first
    need."""
    with _global_lock:
        place = current_device()
        if place not in _globals:
            # It outlives a trace that happens to need it first, so that no trace may count it as its own.
            with interpreting(None), variable_creation.telling(None):
                _globals[place] = Generator(_seed)
        return _globals[place]


def set_global_generator(generator: Generator) -> None:
    """Puts another generator in the place of its device's global one."""
    with _global_lock:
        _globals[generator.state.device] = generator


def set_seed(seed: Any) -> None:
    """Makes what is drawn without a seed repeatable: the global generator of each device starts the seed's stream, and
    what layers and initializers draw from then on is the same in every process, in the same order."""
    global _seed
    numbers = state_of(seed).numpy()
    process_seeds.set_seed(process_seeds.key_of(*numbers.tolist()))
    with _global_lock:
        _seed = numbers
        generators = list(_globals.values())
    for generator in generators:
        generator.reset(numbers)
    get_global_generator()


def _global_draw(name: str) -> Any:
    method = getattr(Generator, name)

    def draw(*arguments: Any, **keywords: Any) -> Tensor:
        drawn: Tensor = method(get_global_generator(), *arguments, **keywords)
        return drawn

    draw.__name__ = draw.__qualname__ = name
    draw.__doc__ = f"{method.__doc__}\n\nDrawn from the global generator; arguments as `Generator.{name}`."
    return draw


bernoulli = _global_draw("bernoulli")
categorical = _global_draw("categorical")
exponential = _global_draw("exponential")
gumbel = _global_draw("gumbel")
integers = _global_draw("integers")
normal = _global_draw("normal")
permutation = _global_draw("permutation")
shuffle = _global_draw("shuffle")
truncated_normal = _global_draw("truncated_normal")
uniform = _global_draw("uniform")
