"""A writer of LLVM IR text: one function, value by value.

Text, because llvmlite's own builder lacks types that are needed here and takes as long again to print what it built.
Local variables are `alloca`s, which LLVM's first pass turns into registers, so that loops are written plainly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from dovetail_protocols.records import record

from .isa import ISA
from .literals import alignment, literal, mangled
from .types import SIZES, element_of, is_float, lanes_of, vector

FAST = "contract"
"""The one liberty that is taken with floating-point numbers: a product may be fused into a sum."""


@record
class Value:
    """Something in a register: its text ("%x7", "0x3FF0000000000000") and its type ("<16 x float>")."""

    text: str
    type: str

    def __str__(self) -> str:
        return f"{self.type} {self.text}"

    @property
    def lanes(self) -> int:
        return lanes_of(self.type)

    @property
    def element(self) -> str:
        return element_of(self.type)


class Variable:
    """A local variable. LLVM makes a register of it."""

    __slots__ = ("_builder", "address", "type")

    def __init__(self, builder: Builder, address: Value, type_: str) -> None:
        self._builder, self.address, self.type = builder, address, type_

    def get(self) -> Value:
        return self._builder.instruction(f"load {self.type}, {self.address}", self.type)

    def set(self, value: Value) -> None:
        self._builder.statement(f"store {value}, {self.address}")


class Builder:
    """Writes the function of one kernel.

    Its parameters are `arguments` (pointers and whole numbers, eight bytes each), `task` (which part of the work to
    do) and `scratch` (memory of the thread). The function's name is KERNEL until the engine gives it one.
    """

    KERNEL = "@KERNEL"

    def __init__(self, isa: ISA) -> None:
        self.isa = isa
        self._lines: list[str] = []
        self._entry: list[str] = []
        self._declarations: dict[str, None] = {}
        self._globals: list[str] = []
        self._count = 0
        self.arguments = Value("%arguments", "ptr")
        self.task = Value("%task", "i64")
        self.scratch = Value("%scratch", "ptr")

    # ------------------------------------------------------------------ text

    def name(self, hint: str = "v") -> str:
        """A name that wasn't given before."""
        self._count += 1
        return f"%{hint}{self._count}"

    def instruction(self, text: str, type_: str) -> Value:
        """The value of an instruction."""
        result = self.name()
        self._lines.append(f"  {result} = {text}")
        return Value(result, type_)

    def statement(self, text: str) -> None:
        """An instruction without a value."""
        self._lines.append(f"  {text}")

    def label(self, name: str) -> None:
        self._lines.append(f"{name}:")

    def declare(self, text: str) -> None:
        """A declaration that the module needs."""
        self._declarations[text] = None

    def table(self, element: str, numbers: Sequence[float | int]) -> Value:
        """The address of a constant array, aligned to 64 bytes."""
        name = f"@table{len(self._globals)}"
        items = ", ".join(f"{element} {literal(element, number)}" for number in numbers)
        self._globals.append(f"{name} = private unnamed_addr constant [{len(numbers)} x {element}] [{items}], align 64")
        return Value(name, "ptr")

    def text(self) -> str:
        """The whole module."""
        head = f"define void {self.KERNEL}(ptr noalias %arguments, i64 %task, ptr noalias %scratch) #0 {{"
        attributes = 'attributes #0 = { nounwind "prefer-vector-width"="512" "no-trapping-math"="true" }'
        lines = [
            *self._globals,
            *self._declarations,
            head,
            "entry:",
            *self._entry,
            "  br label %start",
            "start:",
            *self._lines,
            "  ret void",
            "}",
            attributes,
        ]
        return "\n".join(lines) + "\n"

    # ------------------------------------------------------------------ arguments

    def pointer(self, index: int) -> Value:
        """The argument at an index, as a pointer."""
        return self._argument(index, "ptr")

    def integer(self, index: int) -> Value:
        """The argument at an index, as a whole number (i64)."""
        return self._argument(index, "i64")

    def _argument(self, index: int, type_: str) -> Value:
        place = self.name("place")
        value = self.name("argument")
        self._entry.append(f"  {place} = getelementptr i64, ptr %arguments, i64 {index}")
        self._entry.append(f"  {value} = load {type_}, ptr {place}, align 8, !invariant.load !{{}}")
        return Value(value, type_)

    # ------------------------------------------------------------------ constants

    def constant(self, type_: str, number: float | int) -> Value:
        """A number in every lane of a type."""
        element, lanes = element_of(type_), lanes_of(type_)
        text = literal(element, number)
        return Value(text if lanes == 1 else f"splat ({element} {text})", type_)

    def index(self, number: int) -> Value:
        """A whole number of type i64."""
        return Value(str(number), "i64")

    def lane_numbers(self, element: str, lanes: int) -> Value:
        """0, 1, 2, …"""
        if lanes == 1:
            return Value("0" if not is_float(element) else literal(element, 0), element)
        items = ", ".join(f"{element} {literal(element, lane)}" for lane in range(lanes))
        return Value(f"<{items}>", vector(element, lanes))

    # ------------------------------------------------------------------ arithmetic

    def _binary(self, integer: str, floating: str, a: Value, b: Value) -> Value:
        assert a.type == b.type, (a, b)
        name = f"{floating} {FAST}" if is_float(a.type) else integer
        return self.instruction(f"{name} {a}, {b.text}", a.type)

    def add(self, a: Value, b: Value) -> Value:
        return self._binary("add", "fadd", a, b)

    def sub(self, a: Value, b: Value) -> Value:
        return self._binary("sub", "fsub", a, b)

    def mul(self, a: Value, b: Value) -> Value:
        return self._binary("mul", "fmul", a, b)

    def fdiv(self, a: Value, b: Value) -> Value:
        return self._binary("", "fdiv", a, b)

    def operate(self, name: str, a: Value, b: Value) -> Value:
        """Any instruction of two operands of one type: "sdiv", "udiv", "srem", "and", "shl", "lshr", "ashr", …"""
        assert a.type == b.type, (a, b)
        return self.instruction(f"{name} {a}, {b.text}", a.type)

    def neg(self, a: Value) -> Value:
        if is_float(a.type):
            return self.instruction(f"fneg {a}", a.type)
        return self.sub(self.constant(a.type, 0), a)

    def fma(self, a: Value, b: Value, c: Value) -> Value:
        """a · b + c, rounded once where the machine can, else twice."""
        if self.isa.fma:
            return self.intrinsic("llvm.fma", a.type, a, b, c)
        return self.add(self.mul(a, b), c)

    def compare(self, predicate: str, a: Value, b: Value) -> Value:
        """Lanes of i1. Predicates are LLVM's: "olt", "oge", "uno", … for floating, "slt", "ult", "eq", … for whole
        numbers."""
        assert a.type == b.type, (a, b)
        name = "fcmp" if is_float(a.type) else "icmp"
        return self.instruction(f"{name} {predicate} {a}, {b.text}", vector("i1", a.lanes))

    def select(self, condition: Value, a: Value, b: Value) -> Value:
        """a where the condition holds, else b."""
        assert a.type == b.type, (a, b)
        return self.instruction(f"select {condition}, {a}, {b}", a.type)

    def convert(self, name: str, a: Value, element: str) -> Value:
        """A conversion lane by lane: "sitofp", "fptosi", "fpext", "trunc", "zext", "bitcast", …"""
        type_ = vector(element, a.lanes)
        return a if a.type == type_ else self.instruction(f"{name} {a} to {type_}", type_)

    def intrinsic(self, name: str, type_: str, *arguments: Value, suffix: str | None = None) -> Value:
        """A call of an intrinsic that is overloaded by one type, its result's unless `suffix` says another."""
        full = f"{name}.{suffix or mangled(type_)}"
        types = ", ".join(argument.type for argument in arguments)
        self.declare(f"declare {type_} @{full}({types})")
        return self.instruction(f"call {type_} @{full}({', '.join(map(str, arguments))})", type_)

    # ------------------------------------------------------------------ vectors

    def splat(self, scalar: Value, lanes: int) -> Value:
        """A scalar in every lane."""
        if lanes == 1:
            return scalar
        type_ = vector(scalar.type, lanes)
        first = self.instruction(f"insertelement {type_} poison, {scalar}, i64 0", type_)
        return self.instruction(f"shufflevector {first}, {type_} poison, <{lanes} x i32> zeroinitializer", type_)

    def extract(self, a: Value, lane: int) -> Value:
        return a if a.lanes == 1 else self.instruction(f"extractelement {a}, i64 {lane}", a.element)

    def insert(self, a: Value, scalar: Value, lane: int) -> Value:
        return scalar if a.lanes == 1 else self.instruction(f"insertelement {a}, {scalar}, i64 {lane}", a.type)

    def shuffle(self, a: Value, b: Value, lanes: Sequence[int]) -> Value:
        """Lanes of two vectors, those of b counted on from a's."""
        picked = ", ".join(f"i32 {lane}" for lane in lanes)
        type_ = vector(a.element, len(lanes))
        return self.instruction(f"shufflevector {a}, {b}, <{len(lanes)} x i32> <{picked}>", type_)

    def reduce(self, name: str, a: Value) -> Value:
        """All lanes brought together in pairs, by a method of two values ("add", "mul") or an instruction ("and")."""
        while a.lanes > 1:
            half = a.lanes // 2
            low, high = self.shuffle(a, a, range(half)), self.shuffle(a, a, range(half, a.lanes))
            if half == 1:
                low, high = self.extract(a, 0), self.extract(a, 1)
            if name == "add":
                a = self.add(low, high)
            else:
                a = self.mul(low, high) if name == "mul" else self.operate(name, low, high)
        return a

    def any_lane(self, mask: Value) -> Value:
        """Whether some lane of i1 holds, as one i1."""
        if mask.lanes == 1:
            return mask
        bits = self.instruction(f"bitcast {mask} to i{mask.lanes}", f"i{mask.lanes}")
        return self.compare("ne", bits, self.constant(bits.type, 0))

    # ------------------------------------------------------------------ memory

    def offset(self, pointer: Value, index: Value | int, element: str) -> Value:
        """The address of an element, counted in elements."""
        if isinstance(index, int):
            if index == 0:
                return pointer
            index = self.index(index)
        return self.instruction(f"getelementptr {element}, {pointer}, {index}", "ptr")

    def load(self, type_: str, pointer: Value, *, align: int | None = None) -> Value:
        return self.instruction(f"load {type_}, {pointer}, align {align or SIZES[element_of(type_)]}", type_)

    def store(self, value: Value, pointer: Value, *, align: int | None = None, streaming: bool = False) -> None:
        """Stores a value. `streaming` goes past the cache, and needs `align` to be the vector's size."""
        hint = ", !nontemporal !{i32 1}" if streaming else ""
        self.statement(f"store {value}, {pointer}, align {align or SIZES[value.element]}{hint}")

    def prefetch(self, pointer: Value) -> None:
        """Asks for the cache line at an address, which need not be readable, for the second-level cache."""
        self.declare("declare void @llvm.prefetch.p0(ptr, i32, i32, i32)")
        self.statement(f"call void @llvm.prefetch.p0({pointer}, i32 0, i32 2, i32 1)")

    def masked_load(self, type_: str, pointer: Value, mask: Value) -> Value:
        """The lanes that the mask names; zeros elsewhere, where nothing is read."""
        if lanes_of(type_) == 1:
            raise ValueError("a masked load needs a vector")
        align = SIZES[element_of(type_)]
        name = f"llvm.masked.load.{mangled(type_)}.p0"
        self.declare(f"declare {type_} @{name}(ptr, {mask.type}, {type_})")
        zero = self.constant(type_, 0)
        return self.instruction(f"call {type_} @{name}(ptr align {align} {pointer.text}, {mask}, {zero})", type_)

    def masked_store(self, value: Value, pointer: Value, mask: Value) -> None:
        """Writes the lanes that the mask names, and nothing else."""
        align = SIZES[value.element]
        if mask.text.startswith("<") and mask.text.count("true") == 1:
            # LLVM 22 stores a single lane that was truncated with the width that it had before, over its neighbors.
            lane = mask.text.split(",").index(next(one for one in mask.text.split(",") if "true" in one))
            self.store(self.extract(value, lane), pointer if lane == 0 else self.offset(pointer, lane, value.element))
            return
        name = f"llvm.masked.store.{mangled(value.type)}.p0"
        self.declare(f"declare void @{name}({value.type}, ptr, {mask.type})")
        self.statement(f"call void @{name}({value}, ptr align {align} {pointer.text}, {mask})")

    def gather(self, type_: str, pointer: Value, indices: Value, mask: Value | None = None) -> Value:
        """Elements at indices (lanes of i32 or i64, in elements) from a pointer; zeros where the mask says no."""
        lanes = lanes_of(type_)
        mask = mask or self.constant(vector("i1", lanes), 1)
        addresses = self.instruction(f"getelementptr {element_of(type_)}, {pointer}, {indices}", vector("ptr", lanes))
        name = f"llvm.masked.gather.{mangled(type_)}.v{lanes}p0"
        self.declare(f"declare {type_} @{name}({addresses.type}, {mask.type}, {type_})")
        zero = self.constant(type_, 0)
        attribute = f"align {SIZES[element_of(type_)]}"
        return self.instruction(
            f"call {type_} @{name}({addresses.type} {attribute} {addresses.text}, {mask}, {zero})", type_
        )

    def scatter(self, value: Value, pointer: Value, indices: Value, mask: Value) -> None:
        """Writes the lanes that the mask names to indices (lanes of i32 or i64, in elements) from a pointer."""
        addresses = self.instruction(f"getelementptr {value.element}, {pointer}, {indices}", vector("ptr", value.lanes))
        name = f"llvm.masked.scatter.{mangled(value.type)}.v{value.lanes}p0"
        self.declare(f"declare void @{name}({value.type}, {addresses.type}, {mask.type})")
        attribute = f"align {SIZES[value.element]}"
        self.statement(f"call void @{name}({value}, {addresses.type} {attribute} {addresses.text}, {mask})")

    def tail_mask(self, count: Value, lanes: int) -> Value:
        """The first `count` (i64) lanes; all of them where it is as many or more."""
        if count.text.lstrip("-").isdigit() and lanes > 1:
            items = ", ".join(f"i1 {'true' if lane < int(count.text) else 'false'}" for lane in range(lanes))
            return Value(f"<{items}>", vector("i1", lanes))
        numbers = self.lane_numbers("i64", lanes)
        return self.compare("slt", numbers, self.splat(count, lanes))

    # ------------------------------------------------------------------ control

    def variable(self, initial: Value) -> Variable:
        """A local variable with its first value."""
        address = self.name("variable")
        self._entry.append(f"  {address} = alloca {initial.type}, align {alignment(initial.type)}")
        variable = Variable(self, Value(address, "ptr"), initial.type)
        variable.set(initial)
        return variable

    def array(self, element: str, count: int) -> Value:
        """The address of a local array on the stack, aligned to 64 bytes."""
        address = self.name("array")
        self._entry.append(f"  {address} = alloca [{count} x {element}], align 64")
        return Value(address, "ptr")

    @contextmanager
    def loop(self, start: Value | int, stop: Value | int, step: Value | int = 1) -> Iterator[Value]:
        """A loop over i64 from `start` while below `stop`; gives the index. It may run zero times."""
        start, stop, step = (self.index(one) if isinstance(one, int) else one for one in (start, stop, step))
        counter = self.variable(start)
        head, body, done = (self.name(part)[1:] for part in ("head", "body", "done"))
        self.statement(f"br label %{head}")
        self.label(head)
        index = counter.get()
        more = self.compare("slt", index, stop)
        self.statement(f"br {more}, label %{body}, label %{done}")
        self.label(body)
        yield index
        counter.set(self.instruction(f"add nsw {index}, {step.text}", "i64"))
        self.statement(f"br label %{head}")
        self.label(done)

    @contextmanager
    def loop_while(self, condition: Callable[[], Value]) -> Iterator[None]:
        """A loop that runs as long as the condition (writes what gives an i1) holds before it; perhaps zero times."""
        head, body, done = (self.name(part)[1:] for part in ("head", "body", "done"))
        self.statement(f"br label %{head}")
        self.label(head)
        self.statement(f"br {condition()}, label %{body}, label %{done}")
        self.label(body)
        yield
        self.statement(f"br label %{head}")
        self.label(done)

    @contextmanager
    def when(self, condition: Value) -> Iterator[None]:
        """What is written inside runs where the condition (i1) holds."""
        then, done = self.name("then")[1:], self.name("done")[1:]
        self.statement(f"br {condition}, label %{then}, label %{done}")
        self.label(then)
        yield
        self.statement(f"br label %{done}")
        self.label(done)

    def minimum(self, a: Value, b: Value | int) -> Value:
        """The smaller of two signed whole numbers."""
        b = self.index(b) if isinstance(b, int) else b
        return self.select(self.compare("slt", a, b), a, b)
