"""Where the elements of views lie, and how vectors of them are loaded and stored."""

from __future__ import annotations

from collections.abc import Iterable

from dovetail_protocols.records import record

from ...codegen.builder import Builder, Value
from ...codegen.types import COMPUTED, SIZES, STORED, vector
from ...elementwise import from_memory, to_memory
from ..kernel import View
from .reduction import accumulated
from .terms import compact


class Row:
    """A unit of rows while it is worked on: one row, or a vector of `lanes` neighboring ones.

    `indices`: the place along each axis of rows (i64), of the first of the rows; `pointers`: where views begin in it;
    `staged`: where views whose elements were put elsewhere have column 0, columns side by side; `known`: values for the
    unit, by term.
    """

    def __init__(self, indices: list[Value], lanes: int = 1, mask: Value | None = None) -> None:
        self.indices, self.lanes, self.mask = indices, lanes, mask
        self.pointers: dict[View, Value] = {}
        self.staged: dict[View, Value] = {}
        self.known: dict[int, Value] = {}


@record
class Place:
    """Elements of a row: `lanes` of them from a column on, or those of `lanes` rows in one column; those that the mask
    names, if there is one; `single`: it is known to name the first lane alone."""

    row: Row
    column: Value
    lanes: int
    mask: Value | None
    single: bool = False


class Memory:
    """The views that a kernel works on, as its arguments, and its scratch memory.

    `down`: lanes lie along the last axis of rows, not along columns.
    """

    def __init__(self, b: Builder, views: Iterable[View], *, down: bool) -> None:
        self.b, self.down = b, down
        self.arguments: list[View] = []
        self._bases: dict[View, Value] = {}
        self._views = list(dict.fromkeys(views))
        for view in self._views:
            argument = compact(view)
            if argument not in self.arguments:
                self.arguments.append(argument)
                self._bases[argument] = b.pointer(len(self.arguments) - 1)
        self.scratch_bytes = 0

    def base(self, view: View) -> Value:
        """The address of a view's first element."""
        return self._bases[compact(view)]

    def moved(self, view: View, elements: Value) -> None:
        """Lets a view begin so many elements later."""
        argument = compact(view)
        self._bases[argument] = self.b.offset(self._bases[argument], elements, STORED[view.dtype])

    def find(self, row: Row) -> None:
        """Computes where the views begin in a unit of rows: before its loops, that they find it there."""
        b = self.b
        offsets: dict[tuple[int, ...], Value | None] = {}
        for view in self._views:
            strides = view.strides[:-1]
            if strides not in offsets:
                offsets[strides] = self._offset(row.indices, strides)
            offset = offsets[strides]
            base = self.base(view)
            row.pointers[view] = base if offset is None else b.offset(base, offset, STORED[view.dtype])

    def found(self, view: View, row: Row) -> Value:
        """Where one view begins in a unit of rows."""
        offset = self._offset(row.indices, view.strides[:-1])
        return self.base(view) if offset is None else self.b.offset(self.base(view), offset, STORED[view.dtype])

    def _offset(self, indices: list[Value], strides: tuple[int, ...]) -> Value | None:
        total: Value | None = None
        for index, stride in zip(indices, strides, strict=True):
            if stride:
                part = index if stride == 1 else self.b.mul(index, self.b.index(stride))
                total = part if total is None else self.b.add(total, part)
        return total

    def _at(self, view: View, place: Place) -> tuple[Value, int]:
        """The address of the first of some elements, and the stride between them."""
        pointer = place.row.pointers[view]
        stride = view.strides[-1]
        if stride:
            index = place.column if stride == 1 else self.b.mul(place.column, self.b.index(stride))
            pointer = self.b.offset(pointer, index, STORED[view.dtype])
        return pointer, self._row_stride(view) if self.down else stride

    def _row_stride(self, view: View) -> int:
        return view.strides[-2] if len(view.strides) > 1 else 0

    # ------------------------------------------------------------------ elements

    def load(self, view: View, place: Place) -> Value:
        """Elements in their COMPUTED type."""
        if view in place.row.staged:
            pointer = self.b.offset(place.row.staged[view], place.column, STORED[view.dtype])
            return self._load(view.dtype, pointer, 1, place.lanes, place.mask)
        pointer, stride = self._at(view, place)
        return self._load(view.dtype, pointer, stride, place.lanes, place.mask)

    def load_for_row(self, view: View, row: Row) -> Value:
        """The values of a view for a unit of rows: those in the first column."""
        return self._load(view.dtype, row.pointers[view], self._row_stride(view), row.lanes, row.mask)

    def _load(self, dtype: str, pointer: Value, stride: int, lanes: int, mask: Value | None) -> Value:
        b, element = self.b, STORED[dtype]
        if lanes == 1:
            return from_memory(b, dtype, b.load(element, pointer))
        type_ = vector(element, lanes)
        if stride == 0:
            return b.splat(from_memory(b, dtype, b.load(element, pointer)), lanes)
        if stride == 1:
            return from_memory(
                b, dtype, b.load(type_, pointer) if mask is None else b.masked_load(type_, pointer, mask)
            )
        if mask is None and not (b.isa.gathers and SIZES[element] >= 4):
            value = Value("poison", type_)
            for lane in range(lanes):
                value = b.insert(value, b.load(element, b.offset(pointer, lane * stride, element)), lane)
            return from_memory(b, dtype, value)
        return from_memory(b, dtype, b.gather(type_, pointer, self._places(stride, lanes), mask))

    def _places(self, stride: int, lanes: int) -> Value:
        element = "i32" if abs(stride) * lanes < 1 << 31 else "i64"
        items = ", ".join(f"{element} {lane * stride}" for lane in range(lanes))
        return Value(f"<{items}>", vector(element, lanes))

    def store(self, view: View, value: Value, place: Place, aligned: Value | None = None) -> None:
        """Stores elements. `aligned`: a condition (i1) under which they lie so that they may go past the cache."""
        pointer, stride = self._at(view, place)
        stored = to_memory(self.b, view.dtype, value)
        if place.single:
            # LLVM 22 makes of a masked store of one known lane a store of that lane before it was narrowed to 16 bits.
            self.b.store(self.b.extract(stored, 0), pointer)
            return
        if aligned is None or place.mask is not None or place.lanes == 1:
            self._store(stored, pointer, stride, place.mask)
            return
        b = self.b
        there, otherwise, done = (b.name(part)[1:] for part in ("streamed", "ordinary", "stored"))
        b.statement(f"br {aligned}, label %{there}, label %{otherwise}")
        b.label(there)
        b.store(stored, pointer, align=SIZES[stored.element] * stored.lanes, streaming=True)
        b.statement(f"br label %{done}")
        b.label(otherwise)
        b.store(stored, pointer)
        b.statement(f"br label %{done}")
        b.label(done)

    def store_for_row(self, view: View, value: Value, row: Row) -> None:
        """Stores the values of a unit of rows."""
        stored = to_memory(self.b, view.dtype, value)
        self._store(stored, row.pointers[view], self._row_stride(view), row.mask)

    def _store(self, stored: Value, pointer: Value, stride: int, mask: Value | None) -> None:
        b = self.b
        if stored.lanes == 1 or (stride == 1 and mask is None):
            b.store(stored, pointer)
        elif stride == 1:
            assert mask is not None
            b.masked_store(stored, pointer, mask)
        elif mask is None:
            for lane in range(stored.lanes):
                b.store(b.extract(stored, lane), b.offset(pointer, lane * stride, stored.element))
        else:
            b.scatter(stored, pointer, self._places(stride, stored.lanes), mask)

    # ------------------------------------------------------------------ scratch

    def plain_region(self, dtype: str, elements: int) -> Value:
        """The address of room in scratch memory for some elements as they lie in memory."""
        start = self.b.offset(self.b.scratch, self.scratch_bytes, "i8")
        self.scratch_bytes += -(-elements * SIZES[STORED[dtype]] // 64) * 64
        return start

    def region(self, dtype: str, elements: int) -> Region:
        """Room in scratch memory for some elements, whole vectors of 64 more to be safe."""
        kept = accumulated(dtype)
        return Region(self.b, kept, self.plain_region(kept, elements + 64))


class Region:
    """A row of scratch memory for values of a dtype, kept in the precision in which they are computed."""

    def __init__(self, b: Builder, dtype: str, start: Value) -> None:
        self.b, self.dtype, self.start = b, dtype, start

    def begin(self, column: Value) -> None:
        """Lets the row begin with a column, which then lies at its start."""
        self.start = self.b.offset(self.start, self.b.neg(column), STORED[self.dtype])

    def load(self, index: Value, lanes: int) -> Value:
        pointer = self.b.offset(self.start, index, STORED[self.dtype])
        return from_memory(self.b, self.dtype, self.b.load(vector(STORED[self.dtype], lanes), pointer))

    def store(self, value: Value, index: Value) -> None:
        assert value.element == COMPUTED[self.dtype], (value, self.dtype)
        pointer = self.b.offset(self.start, index, STORED[self.dtype])
        self.b.store(to_memory(self.b, self.dtype, value), pointer)
