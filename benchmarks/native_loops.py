"""Machine code that does nothing but what the machine is limited by: multiply-adds in registers, or memory traffic.

Independent of Dovetail's own compiler: a page of LLVM IR, compiled by llvmlite. Importing this module needs llvmlite.
"""

import ctypes
from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm

from benchmarks.workloads.workload import Traffic

ACCUMULATORS = 16  # more than any processor's latency × multiply-adds a cycle
ALIGNMENT_BYTES = 64  # of the arrays given to a stream: streaming stores ask for a whole vector's
STREAM_STEP = 64  # the floats of each array that one turn of a stream's loop takes


class NativeLoops:
    """Compiles loops for this processor; keep it as long as its functions are called."""

    def __init__(self) -> None:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        features = llvm.get_host_cpu_features()
        self.width = 16 if features.get("avx512f") else 8 if features.get("avx") else 4
        target = llvm.Target.from_default_triple()
        self._machine = target.create_target_machine(
            cpu=llvm.get_host_cpu_name(), features=features.flatten(), opt=3, jit=True
        )
        self._compiler = llvm.create_lljit_compiler(self._machine)
        self._libraries: list[Any] = []

    @property
    def operations_per_turn(self) -> int:
        """Floating-point operations of one turn of the loop of `multiply_adds`."""
        return 2 * ACCUMULATORS * self.width

    def multiply_adds(self) -> Callable[[int], None]:
        """A function that runs so many turns of a loop of independent multiply-adds, on the calling thread."""
        address = self._compile(multiply_add_ir(self.width), "multiply_adds")
        function = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_void_p)(address)

        def run(turns: int) -> None:
            values = (ctypes.c_float * self.width)()
            function(turns, ctypes.addressof(values))

        return run

    def stream(self, traffic: Traffic, *, streaming_stores: bool) -> Callable[[int, int], None]:
        """A function of a table of array pointers and a number of turns, each of `STREAM_STEP` floats an array.

        The table has the arrays that are read, then those that are updated, then those that are written.
        """
        text = stream_ir(self.width, traffic, streaming_stores=streaming_stores)
        address = self._compile(text, "stream")
        function: Callable[[int, int], None] = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(address)
        return function

    def _compile(self, text: str, name: str) -> int:
        builder = llvm.JITLibraryBuilder().add_ir(llvm.parse_assembly(text)).export_symbol(name)
        library = builder.link(self._compiler, f"loop {len(self._libraries)}")
        self._libraries.append(library)
        address: int = library[name]
        return address


def multiply_add_ir(width: int) -> str:
    """IR of `void multiply_adds(i64 turns, ptr values)`: each accumulator stays in its own register.

    `fmuladd` is one fused instruction where the processor has it, and otherwise two, never a call.
    """
    vector = f"<{width} x float>"
    numbers = range(ACCUMULATORS)
    phis = [f"  %a{k} = phi {vector} [zeroinitializer, %entry], [%b{k}, %loop]" for k in numbers]
    operation = f"call {vector} @llvm.fmuladd.v{width}f32({vector} %x, {vector} %x, {vector}"
    products = [f"  %b{k} = {operation} %a{k})" for k in numbers]
    sums = [f"  %s{k} = fadd {vector} %{f's{k - 1}' if k > 1 else 'b0'}, %b{k}" for k in numbers if k]
    return "\n".join(
        [
            f"declare {vector} @llvm.fmuladd.v{width}f32({vector}, {vector}, {vector})",
            "define void @multiply_adds(i64 %turns, ptr %values) {",
            "entry:",
            f"  %x = load {vector}, ptr %values, align 4",
            "  br label %loop",
            "loop:",
            "  %turn = phi i64 [0, %entry], [%next, %loop]",
            *phis,
            *products,
            "  %next = add i64 %turn, 1",
            "  %more = icmp ult i64 %next, %turns",
            "  br i1 %more, label %loop, label %done",
            "done:",
            *sums,
            f"  store {vector} %s{ACCUMULATORS - 1}, ptr %values, align 4",
            "  ret void",
            "}",
        ]
    )


def stream_ir(width: int, traffic: Traffic, *, streaming_stores: bool) -> str:
    """IR of `void stream(ptr table, i64 turns)`: what is read goes, by exclusive or, into all that is stored.

    `streaming_stores`: arrays that are only written bypass the caches, so that no line is fetched to be replaced.
    Where nothing else is stored, it is, in one place, so that the arrays have to be read.
    """
    arrays = traffic.read + traffic.updated + traffic.written
    loaded = traffic.read + traffic.updated
    vector = f"<{width} x i32>"
    lines = [
        "define void @stream(ptr %table, i64 %turns) {",
        "entry:",
        f"  %own = alloca {vector}",
        f"  store {vector} zeroinitializer, ptr %own",
    ]
    for k in range(arrays):
        lines += [f"  %e{k} = getelementptr ptr, ptr %table, i64 {k}", f"  %p{k} = load ptr, ptr %e{k}"]
    lines += [
        "  br label %loop",
        "loop:",
        "  %turn = phi i64 [0, %entry], [%next, %loop]",
        f"  %offset = mul i64 %turn, {STREAM_STEP}",
    ]
    suffix = ", !nontemporal !0" if streaming_stores else ""
    for place in range(0, STREAM_STEP, width):
        lines.append(f"  %o{place} = add i64 %offset, {place}")
        read = "splat (i32 1)"  # not zero, or what is updated would not change
        for k in range(arrays):
            name = f"{k}_{place}"
            lines.append(f"  %q{name} = getelementptr float, ptr %p{k}, i64 %o{place}")
            if k < loaded:
                lines.append(f"  %v{name} = load {vector}, ptr %q{name}, align {4 * width}")
            if k < traffic.read:
                lines.append(f"  %r{name} = xor {vector} {read}, %v{name}")
                read = f"%r{name}"
            elif k < loaded:
                lines.append(f"  %u{name} = xor {vector} {read}, %v{name}")
                lines.append(f"  store {vector} %u{name}, ptr %q{name}, align {4 * width}")
            else:
                lines.append(f"  store {vector} {read}, ptr %q{name}, align {4 * width}{suffix}")
        if arrays == traffic.read:
            lines.append(f"  store volatile {vector} {read}, ptr %own")
    lines += [
        "  %next = add i64 %turn, 1",
        "  %more = icmp ult i64 %next, %turns",
        "  br i1 %more, label %loop, label %done",
        "done:",
        "  ret void",
        "}",
        "!0 = !{i32 1}",
    ]
    return "\n".join(lines)
