"""A writer of the driver's own functions: IR text like that of kernels, with other parameters, words and atomics."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..codegen.builder import Builder, Value
from ..codegen.isa import isa


class Loop:
    """A loop that runs until it is left."""

    def __init__(self, routine: Routine, done: str) -> None:
        self._routine, self._done = routine, done

    def leave_if(self, condition: Value) -> None:
        """Ends the loop where the condition (i1) holds."""
        more = self._routine.name("more")[1:]
        self._routine.statement(f"br {condition}, label %{self._done}, label %{more}")
        self._routine.label(more)


class Routine(Builder):
    """Writes one function, named KERNEL until the engine gives it a name.

    Structures in memory are rows of 8-byte words (structures.py); `read` and `write` take the place of a word.
    """

    def __init__(self, result: str, **parameters: str) -> None:
        super().__init__(isa())
        self._result, self._parameters = result, parameters

    def parameter(self, name: str) -> Value:
        return Value(f"%{name}", self._parameters[name])

    def text(self) -> str:
        parameters = ", ".join(f"{type_} %{name}" for name, type_ in self._parameters.items())
        lines = [
            *self._declarations,
            f"define {self._result} {self.KERNEL}({parameters}) nounwind uwtable {{",
            "entry:",
            *self._entry,
            "  br label %start",
            "start:",
            *self._lines,
            "  unreachable" if self._result != "void" else "  ret void",
            "}",
        ]
        return "\n".join(lines) + "\n"

    # ------------------------------------------------------------------ memory

    def place(self, pointer: Value, index: int) -> Value:
        """The address of a word."""
        return self.offset(pointer, index, "i64")

    def read(self, pointer: Value, index: int, type_: str = "i64") -> Value:
        """The word at an index."""
        return self.load(type_, self.place(pointer, index), align=8)

    def read_pointer(self, pointer: Value, index: int) -> Value:
        """The word at an index, which is an address."""
        return self.read(pointer, index, "ptr")

    def write(self, pointer: Value, index: int, value: Value) -> None:
        """Sets the word at an index."""
        self.store(value, self.place(pointer, index), align=8)

    def read_atomic(self, pointer: Value, index: int, ordering: str) -> Value:
        """The word at an index, which other threads write. Orderings are LLVM's: "monotonic", "acquire", "seq_cst"."""
        return self.instruction(f"load atomic i64, {self.place(pointer, index)} {ordering}, align 8", "i64")

    def write_atomic(self, pointer: Value, index: int, value: Value, ordering: str) -> None:
        """Sets the word at an index, which other threads read: "monotonic", "release" or "seq_cst"."""
        self.statement(f"store atomic {value}, {self.place(pointer, index)} {ordering}, align 8")

    def add_atomic(self, pointer: Value, index: int, number: int, ordering: str) -> Value:
        """Adds to the word at an index; gives what it was before."""
        return self.instruction(f"atomicrmw add {self.place(pointer, index)}, i64 {number} {ordering}", "i64")

    def seize(self, pointer: Value, index: int) -> Value:
        """Whether the word at an index was 0 and is 1 now: a lock that is tried once."""
        pair = self.name("pair")
        self.statement(f"{pair} = cmpxchg {self.place(pointer, index)}, i64 0, i64 1 acquire monotonic")
        return self.instruction(f"extractvalue {{ i64, i1 }} {pair}, 1", "i1")

    # ------------------------------------------------------------------ control

    def is_null(self, pointer: Value) -> Value:
        return self.instruction(f"icmp eq {pointer}, null", "i1")

    def negate(self, condition: Value) -> Value:
        return self.instruction(f"xor {condition}, true", "i1")

    def call(self, function: Value, result: str, *arguments: Value) -> Value:
        """Calls a function by its address. The value means nothing where the result is void."""
        text = f"call {result} {function.text}({', '.join(map(str, arguments))})"
        if result == "void":
            self.statement(text)
            return Value("", result)
        return self.instruction(text, result)

    def give(self, value: Value | None = None) -> None:
        """Returns from the function."""
        self.statement(f"ret {value}" if value else "ret void")
        self.label(self.name("dead")[1:])  # what follows needs a label, though nothing leads there

    def go_to(self, label: str) -> None:
        self.statement(f"br label %{label}")
        self.label(self.name("dead")[1:])

    def at(self, label: str) -> None:
        """Begins what `go_to` and `choose` lead to; what comes before falls through."""
        self.statement(f"br label %{label}")
        self.label(label)

    def choose(self, value: Value, labels: dict[int, str], otherwise: str) -> None:
        """Goes to the label of a value."""
        cases = " ".join(f"i64 {number}, label %{label}" for number, label in labels.items())
        self.statement(f"switch {value}, label %{otherwise} [{cases}]")
        self.label(self.name("dead")[1:])

    @contextmanager
    def forever(self) -> Iterator[Loop]:
        """A loop that runs until `leave_if` ends it."""
        again, done = self.name("again")[1:], self.name("done")[1:]
        self.at(again)
        yield Loop(self, done)
        self.statement(f"br label %{again}")
        self.label(done)

    @contextmanager
    def unlikely(self, condition: Value) -> Iterator[None]:
        """What is written inside runs where the condition holds, which is rare."""
        expected = self.name("expected")
        self.declare("declare i1 @llvm.expect.i1(i1, i1)")
        self.statement(f"{expected} = call i1 @llvm.expect.i1({condition}, i1 false)")
        with self.when(Value(expected, "i1")):
            yield
