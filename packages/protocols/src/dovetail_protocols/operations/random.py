"""Random bits, and how one random state becomes others. Counter-based: the same state gives the same bits everywhere.

A *random state* is three uint64, (counter low, counter high, key): a 128-bit counter and a 64-bit key of Philox4x32-10.
Axes of a state before the last one are a batch of states. Nothing here changes a state: whoever draws twice moves it
on in between with `random_advance`, or gives each use a state of its own with `random_split` or `random_fold_in`.

Drawing uses the blocks from the state's counter on. Deriving uses the blocks 2¹²⁷ further, which no drawing reaches.
"""

from __future__ import annotations

from ..arrays import provider
from ..dtypes import dtype as find_dtype
from ..dtypes import uint32, uint64
from ..errors import DTypeError, ShapeError
from ..metas import TensorMeta
from ..operation import composite, primitive
from .arithmetic import add, multiply
from .comparison import less
from .manipulation import expand_dims, roll
from .shape_rules import broadcast_shapes
from .sizes import as_shape, whole
from .type_conversion import cast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..dtypes import DType
    from .annotations import AnyDType, Index, RandomState

WORDS_PER_BLOCK = 4
BITS_DTYPES = ("uint8", "uint16", "uint32", "uint64")


@primitive(version=1)
def random_bits(state: RandomState, /, *, shape: tuple[int, ...], dtype: DType = uint32) -> AnyDType:
    """Uniformly random integers: the stream that begins at the state's counter, in C order.

    state: (…, 3), uint64. Result: (…, *shape), of dtype uint8, uint16, uint32 or uint64.

    The stream is words of 32 bits; word i is word i mod 4 of the Philox4x32-10 block of counter + ⌊i / 4⌋ (mod 2¹²⁸),
    under the key's low and high half. A uint64 is two words, the first one its low half; a word holds two uint16 or
    four uint8, the lowest bits first. Drawing n words leaves blocks from counter + ⌈n / 4⌉ on untouched.

    Raises: ShapeError where the state's last axis isn't 3; AttributeValueError for a negative size; DTypeError for
    other dtypes.

    Source: Salmon, Moraes, Dror, Shaw: Parallel Random Numbers: As Easy as 1, 2, 3 (SC 2011), section 3.3.
    """
    drawn = find_dtype(dtype)
    if drawn.name not in BITS_DTYPES:
        raise DTypeError("random_bits: the dtype must be unsigned", expected=", ".join(BITS_DTYPES), got=f"{drawn}")
    return TensorMeta((*state_batch("random_bits", state), *as_shape("random_bits", shape)), drawn, state.device)


def _advance_meta(state: TensorMeta, *, blocks: int) -> TensorMeta:
    state_batch("random_advance", state)
    whole("random_advance", "blocks", blocks)
    return state


@composite(version=1, infer=_advance_meta)
def random_advance(state: RandomState, /, *, blocks: int) -> RandomState:
    """The state moved on by a number of blocks: 128-bit counter + blocks (mod 2¹²⁸), under the same key.

    state: (…, 3), uint64. `blocks` may be any int; a negative one moves back.
    """
    low, high = blocks % (1 << 64), (blocks >> 64) % (1 << 64)
    moved = add(state, _numbers_like(state, [low, high, 0]))
    carry = less(moved, _numbers_like(state, [low, 0, 0]))  # true only where the low half has wrapped
    return add(moved, roll(cast(carry, dtype=uint64), shift=1, axis=-1))


def _split_meta(state: TensorMeta, *, count: int) -> TensorMeta:
    children = whole("random_split", "count", count, least=0)
    return TensorMeta((*state_batch("random_split", state), children, 3), uint64, state.device)


@composite(version=1, infer=_split_meta)
def random_split(state: RandomState, /, *, count: int) -> RandomState:
    """As many states of their own: independent of one another and of anything drawn from the given one.

    state: (…, 3), uint64. Result: (…, count, 3). Child i is `random_fold_in(state, i)`: with the *node* of a state
    being the three uint64 drawn from it after adding 2¹²⁷ to its counter, child i is the three uint64 drawn from
    the node after adding i · 2⁶⁴ to its counter. The same state always has the same children; advance it by a block to
    get others.
    """
    if count == 0:
        return random_bits(state, shape=(0, 3), dtype=uint64)
    children = add(_node(state, (1, 3)), _numbers_like(state, [[0, child, 0] for child in range(count)]))
    return random_bits(children, shape=(3,), dtype=uint64)


def _fold_in_meta(state: TensorMeta, number: TensorMeta) -> TensorMeta:
    batch = broadcast_shapes("random_fold_in", state_batch("random_fold_in", state), number.shape)
    return TensorMeta((*batch, 3), uint64, state.device)


@composite(version=1, infer=_fold_in_meta)
def random_fold_in(state: RandomState, number: Index, /) -> RandomState:
    """The child of a state that a number names: `random_split(state, count=n)[number]`, for any of 2⁶⁴ numbers.

    state: (…, 3), uint64; number: (…), integer, taken mod 2⁶⁴. Result: (…, 3), the batches broadcast.
    For a stream of its own for each step, layer or example.
    """
    child = multiply(expand_dims(cast(number, dtype=uint64), axis=-1), _numbers_like(state, [0, 1, 0]))
    return random_bits(add(_node(state, (3,)), child), shape=(3,), dtype=uint64)


def _node(state: Any, shape: tuple[int, ...]) -> Any:
    return random_bits(add(state, _numbers_like(state, [0, 1 << 63, 0])), shape=shape, dtype=uint64)


def _numbers_like(state: Any, numbers: list[Any]) -> Any:
    return provider().convert(numbers, dtype=uint64, device=state.device)


def state_batch(operation: str, state: TensorMeta) -> tuple[int, ...]:
    """The axes of a random state before its last."""
    if state.ndim == 0 or state.shape[-1] != 3:
        raise ShapeError(
            f"{operation}: not a random state",
            where=f"{operation}, argument state, axis -1",
            expected="3 numbers along the last axis: counter low, counter high, key",
            got=f"{state}",
            fix="pass the state of a random.Generator, or uint64 [0, 0, seed]",
        )
    return state.shape[:-1]
