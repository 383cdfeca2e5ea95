"""Random bits: Philox4x32-10 for a vector of counters at once.

A word of 32 bits is kept in a lane of 64, whose upper half is left as it falls: the multiplication of two lanes reads
the lower halves only, and is one instruction on all x86 machines.

Source: Salmon, Moraes, Dror, Shaw: Parallel Random Numbers: As Easy as 1, 2, 3 (SC 2011), section 3.3; constants from
their Random123 library.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from dovetail_protocols.records import replace

from ..codegen.builder import Builder, Value
from ..codegen.isa import ISA
from ..codegen.types import size_bytes, vector
from .copies import copy_launches
from .copies.nests import shares
from .copies.runs import Word, copy_run
from .kernel import Kernel, Launch, View, c_strides, traffic

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10
MASK_32 = 0xFFFFFFFF
BLOCK_BYTES = 16

TASK_BYTES = 512 << 10
"""About 50 µs of work."""

STATE, TARGET = 0, 1

Allocate = Callable[[str, tuple[int, ...]], View]


def random_bits_launches(isa: ISA, state: View, target: View, allocate: Allocate) -> list[Launch]:
    """Fills a view with the bits of `random_bits`, the same ones everywhere.

    state: (*batch, 3) uint64, any strides; target: (*batch, *shape), an unsigned dtype, any strides. Streams are cut
    into tasks at whole blocks.
    """
    batch = state.shape[:-1]
    assert target.shape[: len(batch)] == batch, (state, target)
    assert state.shape[-1] == 3, state
    if target.size == 0:
        return []
    if not target.is_contiguous:
        drawn = allocate(target.dtype, target.shape)
        return [*random_bits_launches(isa, state, drawn, allocate), *copy_launches(isa, drawn, target)]
    if not state.is_contiguous:
        packed = allocate(state.dtype, state.shape)
        return [*copy_launches(isa, state, packed), *random_bits_launches(isa, packed, target, allocate)]
    streams = prod(batch)
    length = target.size // streams * size_bytes(target.dtype)
    b = Builder(isa)
    tasks = _write(b, streams, length)
    flat = replace(target, shape=(target.size,), strides=c_strides((target.size,)))
    what = f"random bits, {streams} streams of {length} bytes"
    return [Launch(Kernel(b.text(), what), (state, flat), (TARGET,), tasks=tasks, bytes=traffic(target))]


def _write(b: Builder, streams: int, length: int) -> int:
    """Writes the kernel; gives the number of tasks: of one long stream each has a part, of many each has some."""
    state, target = b.pointer(STATE), b.pointer(TARGET)
    wanted = shares(streams * length / TASK_BYTES)
    if streams > 1:
        each = -(-streams // wanted)
        first = b.mul(b.task, b.index(each))
        with b.loop(first, b.minimum(b.add(first, b.index(each)), streams)) as number:
            stream = _Stream(b, b.offset(state, b.mul(number, b.index(3)), "i64"))
            here = b.offset(target, b.mul(number, b.index(length)), "i8")
            stream.draw(here, 0, length // stream.step)
            stream.finish(here, length)
        return -(-streams // each)
    stream = _Stream(b, state)
    turns = length // stream.step
    each = max(1, -(-turns // wanted))
    tasks = max(1, -(-turns // each))
    if turns:
        first = b.mul(b.task, b.index(each))
        stream.draw(target, first, b.minimum(b.add(first, b.index(each)), turns))
    if length % stream.step:
        with b.when(b.compare("eq", b.task, b.index(tasks - 1))):
            stream.finish(target, length)
    return tasks


def _lanes(isa: ISA) -> int:
    """How many counters are worked on at once."""
    return isa.lanes(8)


class _Stream:
    """A state that has been read: counter, and the keys of all rounds."""

    def __init__(self, b: Builder, state: Value) -> None:
        self._b = b
        self._lanes = _lanes(b.isa)
        self._low, self._high, key = (b.load("i64", b.offset(state, k, "i64")) for k in range(3))
        halves = (b.operate("and", key, b.index(MASK_32)), b.operate("lshr", key, b.index(32)))
        self._keys = [
            [b.splat(b.add(half, b.index(weyl * k)), self._lanes) for half, weyl in zip(halves, WEYL, strict=True)]
            for k in range(ROUNDS)
        ]

    @property
    def step(self) -> int:
        """How many bytes are drawn at once."""
        return self._lanes * BLOCK_BYTES

    def draw(self, target: Value, first: Value | int, last: Value | int) -> None:
        """Writes those bytes of the stream that the turns from the first to before the last one draw; `target` is where
        the stream begins."""
        b = self._b
        with b.loop(first, last) as turn:
            words = self._blocks(b.mul(turn, b.index(self._lanes)))
            self._store(words, b.offset(target, b.mul(turn, b.index(self.step)), "i8"), 1)

    def finish(self, target: Value, length: int) -> None:
        """Writes the bytes of a stream of that length which are too few for a turn."""
        b, rest = self._b, length % self.step
        if rest:
            drawn = b.array("i64", self.step // 8)
            self._store(self._blocks(b.index((length - rest) // BLOCK_BYTES)), drawn, 8)
            copy_run(b, drawn, b.offset(target, length - rest, "i8"), rest, Word(1, 1))

    def _store(self, words: Sequence[Value], target: Value, align: int) -> None:
        """Stores the blocks one after the other."""
        b, lanes = self._b, self._lanes
        halves = [
            b.operate(
                "or",
                b.operate("and", words[k], b.constant(words[k].type, MASK_32)),
                b.operate("shl", words[k + 1], b.constant(words[k].type, 32)),
            )
            for k in (0, 2)
        ]
        turns = [lane // 2 + lane % 2 * lanes for lane in range(2 * lanes)]
        for part in range(2):
            stored = b.shuffle(halves[0], halves[1], turns[part * lanes : (part + 1) * lanes])
            b.store(stored, b.offset(target, part * lanes, "i64"), align=align)

    def _blocks(self, block: Value) -> list[Value]:
        """The four words of `lanes` blocks from one on, in the lower halves of lanes of 64 bits."""
        b, lanes = self._b, self._lanes
        type_ = vector("i64", lanes)
        half, mask = b.constant(type_, 32), b.constant(type_, MASK_32)
        base = b.splat(self._low, lanes)
        low = b.add(base, b.add(b.splat(block, lanes), b.lane_numbers("i64", lanes)))
        carry = b.convert("zext", b.compare("ult", low, base), "i64")
        high = b.add(b.splat(self._high, lanes), carry)
        c0, c1, c2, c3 = low, b.operate("lshr", low, half), high, b.operate("lshr", high, half)
        for key_0, key_1 in self._keys:
            first = b.mul(b.operate("and", c0, mask), b.constant(type_, MULTIPLIERS[0]))
            second = b.mul(b.operate("and", c2, mask), b.constant(type_, MULTIPLIERS[1]))
            c0 = b.operate("xor", b.operate("xor", b.operate("lshr", second, half), c1), key_0)
            c2 = b.operate("xor", b.operate("xor", b.operate("lshr", first, half), c3), key_1)
            c1, c3 = second, first
        return [c0, c1, c2, c3]
