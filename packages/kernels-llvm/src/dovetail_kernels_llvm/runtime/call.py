"""The driver's function that Python calls: `PyObject *KERNEL(PyObject *self, PyObject *const *arguments, i64 count)`.

It is the function of a built-in method (METH_FASTCALL). `self` is a NumPy array of one word, the address of the first
context. It gives a tuple of the outputs; None where it can't run the call, which Python then does the long way, and
nothing was done; NULL where Python raised an error, before anything was written.

It reads the fields of NumPy arrays where NumPy's documented structure has them (Source: NumPy reference, "C API: Python
types and C-structures", PyArrayObject); object_layout.py checks that before this function is used.
"""

from __future__ import annotations

from ..codegen.builder import Value
from .interpreter import walk
from .object_layout import DTYPE_MASK, ArrayFields
from .routine import Routine
from .structures import Context, Host, InputEntry, OutputEntry, Patch, Pool
from .tasks import NULL, host_function


def call(fields: ArrayFields) -> str:
    """The text of the function."""
    return _Call(fields).text()


class _Call:
    def __init__(self, fields: ArrayFields) -> None:
        self.r = r = Routine("ptr", bound="ptr", arguments="ptr", count="i64")
        self.fields = fields
        self.arguments, self.count = r.parameter("arguments"), r.parameter("count")
        root = self._field(r.parameter("bound"), fields.data, "ptr")
        self.first = r.read_pointer(root, 0)
        self.host = r.read_pointer(self.first, Context.HOST)

    def text(self) -> str:
        r = self.r
        self._refuse_unless(r.compare("eq", self.count, r.read(self.first, Context.INPUT_COUNT)))
        with r.loop(0, self.count) as index:
            self._check(index)
        pool = self._pool()
        context = self._seize(pool)
        results = self._outputs(context)
        with r.loop(0, self.count) as index:
            entry = self._entry(context, Context.INPUTS, index, InputEntry.SIZE)
            self._relocate(entry, self._argument(index), InputEntry)
        self._run(context, pool)
        self._release(context)
        r.give(results)
        r.at("refuse")
        nothing = r.read_pointer(self.host, Host.NONE)
        r.call(host_function(r, self.host, "Py_IncRef"), "void", nothing)
        r.give(nothing)
        return r.text()

    def _field(self, object_: Value, offset: int, type_: str) -> Value:
        return self.r.load(type_, self.r.offset(object_, offset, "i8"))

    def _entry(self, context: Value, table: int, index: Value, size: int) -> Value:
        r = self.r
        return r.offset(r.read_pointer(context, table), r.mul(index, r.index(size)), "i64")

    def _argument(self, index: Value) -> Value:
        return self.r.load("ptr", self.r.offset(self.arguments, index, "ptr"))

    def _refuse_unless(self, condition: Value) -> None:
        with self.r.unlikely(self.r.negate(condition)):
            self.r.go_to("refuse")

    def _same(self, a: Value, b: Value) -> Value:
        return self.r.instruction(f"icmp eq {a}, {b.text}", "i1")

    def _check(self, index: Value) -> None:
        """Refuses an input that isn't exactly the array that the program was made for."""
        r, fields, array = self.r, self.fields, self._argument(index)
        entry = self._entry(self.first, Context.INPUTS, index, InputEntry.SIZE)
        type_ = self._field(array, fields.type, "ptr")
        self._refuse_unless(self._same(type_, r.read_pointer(self.host, Host.ARRAY_TYPE)))
        descriptor = self._field(array, fields.descriptor, "ptr")
        dtype = r.operate("and", self._field(descriptor, fields.dtype, "i64"), r.index(DTYPE_MASK))
        self._refuse_unless(r.compare("eq", dtype, r.read(entry, InputEntry.DTYPE)))
        wanted = r.convert("trunc", r.read(entry, InputEntry.FLAGS), "i32")
        flags = r.operate("and", self._field(array, fields.flags, "i32"), wanted)
        self._refuse_unless(r.compare("eq", flags, wanted))
        rank = r.read(entry, InputEntry.RANK)
        self._refuse_unless(r.compare("eq", r.convert("sext", self._field(array, fields.rank, "i32"), "i64"), rank))
        shape, expected = self._field(array, fields.shape, "ptr"), r.read_pointer(entry, InputEntry.SHAPE)
        with r.loop(0, rank) as axis:
            sizes = [r.load("i64", r.offset(one, axis, "i64")) for one in (shape, expected)]
            self._refuse_unless(r.compare("eq", *sizes))

    def _pool(self) -> Value:
        """The pool of threads, if this program has work for it."""
        r = self.r
        pool = r.variable(NULL)
        parallel = r.compare("ne", r.read(self.first, Context.PARALLEL), r.index(0))
        with r.when(parallel):
            pool.set(r.read_pointer(r.read_pointer(self.first, Context.POOL), 0))
            self._refuse_unless(r.negate(r.is_null(pool.get())))
        return pool.get()

    def _seize(self, pool: Value) -> Value:
        """A context that no other call uses, with scratch memory for all threads."""
        r = self.r
        workers = r.variable(r.index(0))
        with r.when(r.negate(r.is_null(pool))):
            workers.set(r.read(pool, Pool.WORKERS))
        context = r.variable(self.first)
        with r.forever() as loop:
            one = context.get()
            enough = r.compare("sgt", r.read(one, Context.SLOTS), workers.get())
            with r.when(enough):
                loop.leave_if(r.seize(one, Context.BUSY))
            context.set(r.read_pointer(one, Context.NEXT))
            self._refuse_unless(r.negate(r.is_null(context.get())))
        return context.get()

    def _release(self, context: Value) -> None:
        self.r.write_atomic(context, Context.BUSY, self.r.index(0), "release")

    def _outputs(self, context: Value) -> Value:
        """The tuple of outputs, fresh ones and inputs that are outputs; the program writes into the fresh ones."""
        r, host = self.r, self.host
        count = r.read(context, Context.OUTPUT_COUNT)
        results = r.call(host_function(r, host, "PyTuple_New"), "ptr", count)
        with r.unlikely(r.is_null(results)):
            self._release(context)
            r.give(NULL)
        made = r.variable(NULL)
        with r.loop(0, count) as index:
            entry = self._entry(context, Context.OUTPUTS, index, OutputEntry.SIZE)
            source = r.read(entry, OutputEntry.IS)
            given = r.compare("sge", source, r.index(0))
            made.set(NULL)
            with r.when(given):
                made.set(self._argument(source))
                r.call(host_function(r, host, "Py_IncRef"), "void", made.get())
            with r.when(r.negate(given)):
                maker = r.read_pointer(entry, OutputEntry.MAKER)
                made.set(r.call(host_function(r, host, "PyObject_CallNoArgs"), "ptr", maker))
                with r.unlikely(r.is_null(made.get())):
                    r.call(host_function(r, host, "Py_DecRef"), "void", results)
                    self._release(context)
                    r.give(NULL)
                self._relocate(entry, made.get(), OutputEntry)
            r.call(host_function(r, host, "PyTuple_SetItem"), "i32", results, index, made.get())
        return results

    def _relocate(self, entry: Value, array: Value, layout: type[InputEntry] | type[OutputEntry]) -> None:
        """Writes the addresses of an array's elements into the words that need them, unless they are there already."""
        r = self.r
        address = self._field(array, self.fields.data, "i64")
        with r.when(r.compare("ne", address, r.read(entry, layout.ADDRESS))):
            r.write(entry, layout.ADDRESS, address)
            first, end = r.read_pointer(entry, layout.FIRST), r.read_pointer(entry, layout.END)
            with walk(r, first, end, Patch.SIZE) as patch:
                r.write(r.read_pointer(patch, Patch.WORD), 0, r.add(address, r.read(patch, Patch.BYTES)))

    def _run(self, context: Value, pool: Value) -> None:
        """Runs the program, without the interpreter lock where it takes a while."""
        r, host = self.r, self.host
        state = r.variable(NULL)
        releases = r.compare("ne", r.read(context, Context.RELEASE), r.index(0))
        with r.when(releases):
            state.set(r.call(host_function(r, host, "PyEval_SaveThread"), "ptr"))
        r.call(r.read_pointer(host, Host.INTERPRET), "void", context, pool)
        with r.when(releases):
            r.call(host_function(r, host, "PyEval_RestoreThread"), "void", state.get())
