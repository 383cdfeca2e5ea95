"""Random choices: integers, classes, orders. They take a random state as in random.py, and leave it as it is; the rule
of distributions.py for how much of a state's stream is used holds here too."""

from __future__ import annotations

from ..dtypes import DEFAULT_INDEX, DEFAULT_INTEGER, uint64
from ..dtypes import dtype as find_dtype
from ..errors import AttributeValueError, DTypeError, ShapeError
from ..metas import TensorMeta
from ..operation import composite
from .arithmetic import add, remainder
from .distributions import random_gumbel
from .indexing import take
from .manipulation import expand_dims
from .random import random_bits, state_batch
from .searching import argmax
from .shape_rules import normalize_axis
from .sizes import as_shape, whole
from .sorting import argsort
from .type_conversion import cast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..dtypes import DType
    from .annotations import AnyDType, Floating, Index, RandomState


def _integers_meta(
    state: TensorMeta, *, shape: tuple[int, ...], minimum: int, maximum: int, dtype: DType
) -> TensorMeta:
    wanted = find_dtype(dtype)
    if not wanted.is_integer:
        raise DTypeError(
            "random_integers: the dtype must be an integer", where="random_integers, dtype", got=f"{wanted}"
        )
    whole("random_integers", "minimum", minimum)
    whole("random_integers", "maximum", maximum)
    bits = 8 * wanted.size_bytes
    least, limit = (-(1 << bits - 1), 1 << bits - 1) if wanted.kind == "signed" else (0, 1 << bits)
    if not least <= minimum < maximum <= limit:
        raise AttributeValueError(
            f"random_integers: no {wanted} lies in the range, or it reaches beyond them",
            where="random_integers, minimum and maximum",
            expected=f"{least} ≤ minimum < maximum ≤ {limit}",
            got=f"{minimum} and {maximum}",
        )
    return TensorMeta(
        (*state_batch("random_integers", state), *as_shape("random_integers", shape)), wanted, state.device
    )


@composite(version=1, infer=_integers_meta)
def random_integers(
    state: RandomState, /, *, shape: tuple[int, ...], minimum: int = 0, maximum: int, dtype: DType = DEFAULT_INTEGER
) -> Index:
    """Integers uniform in [minimum, maximum): minimum + b mod (maximum − minimum), b a uint64 of `random_bits`.

    state: (…, 3), uint64. Result: (…, *shape). No integer is likelier than another by more than a share of 2⁻⁶⁴ times
    the length of the range. Computed mod 2⁶⁴, of which the dtype keeps the lowest bits.

    Raises: DTypeError unless the dtype is an integer; AttributeValueError for a range that is empty or outside of it.
    """
    span = maximum - minimum
    bits = random_bits(state, shape=as_shape("random_integers", shape), dtype=uint64)
    drawn = bits if span == 1 << 64 else remainder(bits, span)
    return cast(add(drawn, minimum % (1 << 64)) if minimum else drawn, dtype=dtype)


def _categorical_meta(state: TensorMeta, logits: TensorMeta, *, num_samples: int) -> TensorMeta:
    if logits.ndim == 0 or logits.shape[-1] == 0:
        raise ShapeError(
            "random_categorical: there are no classes to choose from",
            where="random_categorical, logits, axis -1",
            expected="(…, classes), at least one class",
            got=f"{logits}",
        )
    samples = whole("random_categorical", "num_samples", num_samples, least=0)
    batch = state_batch("random_categorical", state)
    return TensorMeta((*batch, *logits.shape[:-1], samples), DEFAULT_INDEX, state.device)


@composite(version=1, infer=_categorical_meta)
def random_categorical(state: RandomState, logits: Floating, /, *, num_samples: int = 1) -> Index:
    """Classes drawn with probabilities softmax(logits): the argmax of logits + `random_gumbel` along the classes.

    state: (…, 3), uint64; logits: (*batch, classes), floating; −∞ stands for probability 0.
    Result: (…, *batch, num_samples). Draws num_samples · classes numbers for each row, for float8 logits in float32.

    Raises: ShapeError where there are no classes.
    Source: Gumbel 1954, the Gumbel-max trick; arguments as TensorFlow, tf.random.categorical.
    """
    if logits.dtype.size_bytes == 1:
        logits = cast(logits, dtype="float32")
    shape = (*logits.shape[:-1], num_samples, logits.shape[-1])
    noise = random_gumbel(state, shape=shape, dtype=logits.dtype)
    return argmax(add(expand_dims(logits, axis=-2), noise), axis=-1)


def _permutation_meta(state: TensorMeta, *, count: int) -> TensorMeta:
    size = whole("random_permutation", "count", count, least=0)
    return TensorMeta((*state_batch("random_permutation", state), size), DEFAULT_INDEX, state.device)


@composite(version=1, infer=_permutation_meta)
def random_permutation(state: RandomState, /, *, count: int) -> Index:
    """The numbers below `count` in random order: the stable argsort of as many uint64 of `random_bits`.

    state: (…, 3), uint64. Result: (…, count). Every order is equally likely, up to a share of count² · 2⁻⁶⁵.
    """
    return argsort(random_bits(state, shape=(count,), dtype=uint64), axis=-1, stable=True)


def _shuffle_meta(state: TensorMeta, x: TensorMeta, *, axis: int) -> TensorMeta:
    normalize_axis("random_shuffle", axis, x.ndim)
    if state_batch("random_shuffle", state):
        raise ShapeError(
            "random_shuffle: state is not one random state",
            where="random_shuffle, state",
            expected="(3,)",
            got=f"{state}",
        )
    return x


@composite(version=1, infer=_shuffle_meta)
def random_shuffle(state: RandomState, x: AnyDType, /, *, axis: int = 0) -> AnyDType:
    """x with its slices along `axis` in random order, that of `random_permutation`.

    state: (3,), uint64; x: any shape of at least one axis.

    Raises: ShapeError for an axis out of range, or a batch of states.
    """
    return take(x, random_permutation(state, count=x.shape[axis]), axis=axis)
