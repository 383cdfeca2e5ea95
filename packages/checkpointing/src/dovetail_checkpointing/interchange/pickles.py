"""Pickles read as data: a machine for the opcodes of a pickle that imports nothing and calls nothing.

A name that a pickle would import becomes a `Name`, a call of it a `Call`: inert records, which the reader of a format
makes sense of, or refuses. Source: the opcodes' documentation in Python's pickletools.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dovetail_protocols.errors import CheckpointCorruptError, CheckpointUnsafeError

ALLOWED_HINT = "if you trust its origin, pass allow_code_execution=True, which needs PyTorch"


@dataclass(frozen=True, slots=True)
class Name:
    """What a pickle would import."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(eq=False, slots=True)
class Call:
    """What a pickle would call, and the state that it would give the result."""

    function: Name
    arguments: tuple[Any, ...]
    items: dict[Any, Any]
    state: Any = None


@dataclass(frozen=True, slots=True)
class Persistent:
    """What a pickle refers to outside of itself."""

    identity: Any


_HASHED = (str, int, float, bool, bytes, type(None))


def load(data: bytes, allowed: Callable[[Name], bool], where: str) -> Any:
    """What a pickle holds.

    Raises: CheckpointUnsafeError for a name that isn't allowed and for opcodes that data doesn't need;
    CheckpointCorruptError for what is no pickle.
    """
    machine = _Machine(allowed, where)
    try:
        for opcode, argument, _ in pickletools.genops(data):
            if opcode.name == "STOP":
                return machine.pop()
            machine.step(opcode.name, argument)
    except (ValueError, IndexError, KeyError, TypeError, OverflowError, UnicodeError) as error:
        cause = f"{type(error).__name__}: {error}"[:200]
        raise CheckpointCorruptError("this is no whole pickle", where=where, cause=cause) from error
    raise CheckpointCorruptError("this is no whole pickle", where=where, cause="it doesn't stop")


class _Machine:
    def __init__(self, allowed: Callable[[Name], bool], where: str) -> None:
        self.stack: list[Any] = []
        self.outer: list[list[Any]] = []  # the stacks below each mark
        self.memo: dict[int, Any] = {}
        self.allowed, self.where = allowed, where

    def step(self, opcode: str, argument: Any) -> None:
        if opcode in _LITERALS:
            self.stack.append(argument)
        elif opcode in _FIXED:
            self.stack.append(_FIXED[opcode]())
        elif opcode in _STEPS:
            _STEPS[opcode](self, argument)
        elif opcode not in _IGNORED:
            raise CheckpointUnsafeError(
                "a pickle does what data doesn't need", where=self.where, got=f"opcode {opcode}", fix=ALLOWED_HINT
            )

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def pop(self) -> Any:
        return self.stack.pop()

    def mark(self, _: Any) -> None:
        self.outer.append(self.stack)
        self.stack = []

    def since_mark(self) -> list[Any]:
        values, self.stack = self.stack, self.outer.pop()
        return values

    # ------------------------------------------------------------------ names and calls

    def name(self, module: Any, name: Any) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            raise TypeError("a name that is no text")
        found = Name(module, name)
        if not self.allowed(found):
            raise CheckpointUnsafeError(
                "a pickle asks for code that isn't known to be data",
                where=self.where,
                got=str(found)[:200],
                effect="nothing was executed",
                fix=ALLOWED_HINT,
            )
        self.stack.append(found)

    def reduce(self, _: Any) -> None:
        arguments, function = self.pop(), self.pop()
        if not isinstance(arguments, tuple) or not isinstance(function, Name):
            raise TypeError("a call of what is no name")
        self.stack.append(Call(function, arguments, {}))

    def build(self, _: Any) -> None:
        state, value = self.pop(), self.pop()
        if not isinstance(value, Call):
            raise TypeError("state for what was not called")
        value.state = state
        self.stack.append(value)

    # ------------------------------------------------------------------ containers

    def append(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, list):
            raise TypeError("items for what is no list")
        target.extend(values)

    def set_items(self, values: list[Any]) -> None:
        target = self.stack[-1]
        items = target.items if isinstance(target, Call) else target
        if not isinstance(items, dict) or len(values) % 2:
            raise TypeError("items for what is no dict")
        for key, value in zip(values[::2], values[1::2], strict=True):
            if not isinstance(key, _HASHED):
                raise TypeError("a key that is no plain value")
            items[key] = value

    def tuple_of(self, count: int) -> None:
        values = [self.pop() for _ in range(count)]
        self.stack.append(tuple(reversed(values)))

    def dict_since_mark(self, _: Any) -> None:
        values = self.since_mark()
        self.stack.append({})
        self.set_items(values)

    def pair(self) -> list[Any]:
        value, key = self.pop(), self.pop()
        return [key, value]

    # ------------------------------------------------------------------ the memo

    def put(self, place: int) -> None:
        self.memo[place] = self.stack[-1]


_LITERALS = frozenset(
    {
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
        *("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
        *("STRING", "BINSTRING", "SHORT_BINSTRING", "SHORT_BINBYTES", "BINBYTES", "BINBYTES8"),
    }
)
_IGNORED = frozenset({"PROTO", "FRAME"})
_FIXED: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "EMPTY_DICT": dict,
}
_STEPS: dict[str, Callable[[_Machine, Any], Any]] = {
    "MARK": _Machine.mark,
    "POP": lambda machine, _: machine.stack.pop(),
    "POP_MARK": lambda machine, _: machine.since_mark(),
    "DUP": lambda machine, _: machine.push(machine.stack[-1]),
    "LIST": lambda machine, _: machine.push(machine.since_mark()),
    "APPEND": lambda machine, _: machine.append([machine.pop()]),
    "APPENDS": lambda machine, _: machine.append(machine.since_mark()),
    "TUPLE": lambda machine, _: machine.push(tuple(machine.since_mark())),
    "TUPLE1": lambda machine, _: machine.tuple_of(1),
    "TUPLE2": lambda machine, _: machine.tuple_of(2),
    "TUPLE3": lambda machine, _: machine.tuple_of(3),
    "DICT": _Machine.dict_since_mark,
    "SETITEM": lambda machine, _: machine.set_items(machine.pair()),
    "SETITEMS": lambda machine, _: machine.set_items(machine.since_mark()),
    "GLOBAL": lambda machine, argument: machine.name(*argument.split(" ", 1)),
    "STACK_GLOBAL": lambda machine, _: machine.name(*reversed((machine.pop(), machine.pop()))),
    "REDUCE": _Machine.reduce,
    "NEWOBJ": _Machine.reduce,
    "BUILD": _Machine.build,
    "BINPERSID": lambda machine, _: machine.push(Persistent(machine.pop())),
    "PUT": _Machine.put,
    "BINPUT": _Machine.put,
    "LONG_BINPUT": _Machine.put,
    "MEMOIZE": lambda machine, _: machine.put(len(machine.memo)),
    "GET": lambda machine, place: machine.push(machine.memo[place]),
    "BINGET": lambda machine, place: machine.push(machine.memo[place]),
    "LONG_BINGET": lambda machine, place: machine.push(machine.memo[place]),
}
