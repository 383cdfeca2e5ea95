"""Sorting long lines digit by digit, the least significant first: each pass keeps the order of the one before.

Source: Knuth, The Art of Computer Programming 3, 5.2.5, algorithm R, with counting as in algorithm D of 5.2.
"""

from __future__ import annotations

from ...codegen.builder import Builder, Value
from .line import Line

DIGIT_BITS = 8
DIGITS = 1 << DIGIT_BITS


def _passes(line: Line) -> int:
    return line.key_bits // DIGIT_BITS


def _words(line: Line) -> int:
    """How many words of 64 bits an item has: a short key and the element's place share one."""
    return 1 if line.key_bits == 32 else 2


def digits_bytes(line: Line) -> int:
    """The memory that a line needs: counts of all digits, and its items twice."""
    return 8 * (_passes(line) * DIGITS + 2 * _words(line) * line.length)


def sort_by_digits(b: Builder, line: Line, source: Value, target: Value, memory: Value) -> None:
    """Sorts one line."""
    counts, words = memory, _words(line)
    items = b.variable(b.offset(memory, _passes(line) * DIGITS, "i64"))
    spare = b.variable(b.offset(memory, _passes(line) * DIGITS + words * line.length, "i64"))
    with b.loop(0, _passes(line) * DIGITS) as index:
        b.store(b.index(0), b.offset(counts, index, "i64"))
    with b.loop(0, line.length) as index:
        key = line.key(b, source, index)
        _store_item(b, line, items.get(), index, key, index)
        for number in range(_passes(line)):
            shifted = b.operate("lshr", key, b.constant(key.type, number * DIGIT_BITS))
            digit = b.convert("zext", b.convert("trunc", shifted, f"i{DIGIT_BITS}"), "i64")
            count = b.offset(counts, b.add(digit, b.index(number * DIGITS)), "i64")
            b.store(b.add(b.load("i64", count), b.index(1)), count)
    with b.loop(0, _passes(line)) as turn:
        shift = b.mul(turn, b.index(DIGIT_BITS))
        if words == 1:
            shift = b.add(shift, b.index(32))
        here = b.offset(counts, b.mul(turn, b.index(DIGITS)), "i64")
        first = _digit(b, b.load("i64", items.get()), shift)
        some = b.load("i64", b.offset(here, first, "i64"))
        # A digit that all items share changes nothing.
        with b.when(b.compare("ne", some, b.index(line.length))):
            _place_by_digit(b, line, items.get(), spare.get(), here, shift)
            old = items.get()
            items.set(spare.get())
            spare.set(old)
    with b.loop(0, line.length) as place:
        item = b.offset(items.get(), b.mul(place, b.index(words)), "i64")
        index = b.load("i64", b.offset(item, words - 1, "i64"))
        if words == 1:
            index = b.operate("and", index, b.index((1 << 32) - 1))
        line.put(b, source, target, index, place)


def _store_item(b: Builder, line: Line, items: Value, place: Value, key: Value, index: Value) -> None:
    if _words(line) == 1:
        high = b.operate("shl", b.convert("zext", key, "i64"), b.index(32))
        b.store(b.operate("or", high, index), b.offset(items, place, "i64"))
        return
    item = b.offset(items, b.mul(place, b.index(2)), "i64")
    b.store(key, item)
    b.store(index, b.offset(item, 1, "i64"))


def _digit(b: Builder, word: Value, shift: Value) -> Value:
    return b.operate("and", b.operate("lshr", word, shift), b.index(DIGITS - 1))


def _place_by_digit(b: Builder, line: Line, items: Value, spare: Value, counts: Value, shift: Value) -> None:
    """One pass: counts become the places where items of each digit go, and all are put there in their order."""
    words = _words(line)
    total = b.variable(b.index(0))
    with b.loop(0, DIGITS) as digit:
        count = b.offset(counts, digit, "i64")
        before = total.get()
        total.set(b.add(before, b.load("i64", count)))
        b.store(before, count)
    with b.loop(0, line.length) as place:
        item = b.offset(items, b.mul(place, b.index(words)), "i64")
        word = b.load("i64", item)
        count = b.offset(counts, _digit(b, word, shift), "i64")
        goal = b.load("i64", count)
        b.store(b.add(goal, b.index(1)), count)
        there = b.offset(spare, b.mul(goal, b.index(words)), "i64")
        b.store(word, there)
        if words == 2:
            b.store(b.load("i64", b.offset(item, 1, "i64")), b.offset(there, 1, "i64"))
