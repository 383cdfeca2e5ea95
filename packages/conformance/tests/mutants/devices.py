"""Device packages with one fault each, and an honest one: two devices whose buffers are names of arrays in a table."""

from __future__ import annotations

import itertools
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from dovetail_protocols.kernels import KernelSpec

from . import Mutant


class Handle:
    """A buffer: the device and the name under which its memory stands in a table."""

    def __init__(self, index: int, name: int, shape: tuple[int, ...]) -> None:
        self.index, self.name, self.shape = index, name, shape


class Honest:
    """Devices that copy whatever comes and goes, keep layouts, and count what they hold."""

    protocol = (1, 1)

    def __init__(self) -> None:
        self.tables: list[dict[int, Any]] = [{}, {}]
        self.names = itertools.count()
        self.is_full = False

    def probe(self) -> Any:
        return ["the first table", "the second table"]

    def from_host(self, array: Any, index: int) -> Handle:
        return self.kept(np.array(array, order="K"), index)

    def kept(self, array: Any, index: int) -> Handle:
        if self.is_full:
            raise MemoryError(f"table {index} is full")
        handle = Handle(index, next(self.names), array.shape)
        self.tables[index][handle.name] = array
        weakref.finalize(handle, self.tables[index].pop, handle.name)
        return handle

    def held(self, buffer: Handle) -> Any:
        return self.tables[buffer.index][buffer.name]

    def to_host(self, buffer: Handle) -> Any:
        return self.held(buffer).copy()

    def contiguous(self, buffer: Handle) -> Handle:
        array = self.held(buffer)
        return buffer if array.flags.c_contiguous else self.kept(np.array(array, order="C"), buffer.index)

    def is_exclusive(self, buffer: Handle) -> bool:
        return True

    def copy(self, buffer: Handle) -> Handle:
        return self.kept(self.held(buffer).copy(), buffer.index)

    def bytes_in_use(self, index: int) -> int:
        return sum(array.nbytes for array in self.tables[index].values())

    @contextmanager
    def failing(self) -> Iterator[None]:
        """The next allocations fail."""
        self.is_full = True
        try:
            yield
        finally:
            self.is_full = False


class AliasesTheHost(Honest):
    def from_host(self, array: Any, index: int) -> Handle:
        return self.kept(array, index)


class IgnoresStrides(Honest):
    def from_host(self, array: Any, index: int) -> Handle:
        return self.kept(array.ravel("K").reshape(array.shape).copy(), index)


class NarrowsDoubles(Honest):
    def from_host(self, array: Any, index: int) -> Handle:
        return self.kept(np.array(array, np.float32 if array.dtype == np.float64 else None), index)


class GivesScalarsAnAxis(Honest):
    def from_host(self, array: Any, index: int) -> Handle:
        return self.kept(np.ascontiguousarray(array).copy(), index)


class LosesPayloadsOfNan(Honest):
    def from_host(self, array: Any, index: int) -> Handle:
        copied = np.array(array)
        if copied.dtype.kind == "f":
            copied[np.isnan(copied)] = np.nan
        return self.kept(copied, index)


class MixesUpDevices(Honest):
    def from_host(self, array: Any, index: int) -> Handle:
        return self.kept(np.array(array), 0)


class OneName(Honest):
    """Both devices count their buffers by themselves, and forget whose a name is."""

    def __init__(self) -> None:
        super().__init__()
        self.tables[1] = self.tables[0]
        self.counts = [itertools.count(), itertools.count()]

    def kept(self, array: Any, index: int) -> Handle:
        self.names = self.counts[index]
        return super().kept(array, index)


class GivesItsMemory(Honest):
    def to_host(self, buffer: Handle) -> Any:
        return self.held(buffer)


class ReusesMemoryInUse(Honest):
    """What to_host gives is a window on memory that the next buffer takes."""

    memory = np.zeros(4096, np.uint8)

    def from_host(self, array: Any, index: int) -> Handle:
        if 1000 < array.nbytes <= self.memory.size:
            self.memory[: array.nbytes] = np.frombuffer(array.tobytes(), np.uint8)
            array = self.memory[: array.nbytes].view(array.dtype).reshape(array.shape)
            return self.kept(array, index)
        return super().from_host(array, index)

    def to_host(self, buffer: Handle) -> Any:
        array = self.held(buffer).view()
        array.flags.writeable = False
        return array


class WritesWhatItIsGiven(Honest):
    def from_host(self, array: Any, index: int) -> Handle:
        handle = super().from_host(array, index)
        array[...] = np.zeros((), array.dtype)
        return handle


class SharesStaging(Honest):
    staging: Any = None

    def from_host(self, array: Any, index: int) -> Handle:
        self.staging = np.array(array, order="K")
        time.sleep(0.0005)  # lets other threads in
        return self.kept(self.staging, index)


class KeepsAll(Honest):
    def __init__(self) -> None:
        super().__init__()
        self.all: list[Handle] = []

    def kept(self, array: Any, index: int) -> Handle:
        self.all.append(super().kept(array, index))
        return self.all[-1]


class CopiesNothing(Honest):
    def copy(self, buffer: Handle) -> Handle:
        return buffer


class GivesNothingWhenFull(Honest):
    def kept(self, array: Any, index: int) -> Handle:
        is_full, self.is_full = self.is_full, False
        try:
            return super().kept(np.zeros_like(array) if is_full else array, index)
        finally:
            self.is_full = is_full


class RaisesAnythingWhenFull(Honest):
    def kept(self, array: Any, index: int) -> Handle:
        if self.is_full:
            raise RuntimeError("error -61")
        return super().kept(array, index)


class DescribesNothing(Honest):
    def probe(self) -> Any:
        return ["the first table", ""]


honest, aliases, ignores, narrows = Honest(), AliasesTheHost(), IgnoresStrides(), NarrowsDoubles()
axis, nans, mixes, one_name = GivesScalarsAnAxis(), LosesPayloadsOfNan(), MixesUpDevices(), OneName()
gives, reuses, writes, staging = GivesItsMemory(), ReusesMemoryInUse(), WritesWhatItIsGiven(), SharesStaging()
keeps, copies, nothing, anything = KeepsAll(), CopiesNothing(), GivesNothingWhenFull(), RaisesAnythingWhenFull()
describes = DescribesNothing()


class Kernels:
    """One kernel for the honest device, from `negative` of a class."""

    protocol = (1, 0)

    def __init__(self, implementation: str) -> None:
        self.implementation = f"mutants.devices:{implementation}"

    def kernels(self) -> Any:
        declared = {"operation": "dovetail::negative", "dtypes": {"T": frozenset({"float32"})}}
        return [KernelSpec(id="negative", device="table-honest", implementation=self.implementation, **declared)]

    def operations(self) -> Any:
        return ()

    def probe(self) -> Any:
        return None


def negative(call: Any) -> Any:
    return lambda x: honest.kept(-honest.held(x), x.index)


def negative_in_place(call: Any) -> Any:
    def kernel(x: Handle) -> Handle:
        array = honest.held(x)
        np.negative(array, out=array)
        return honest.kept(array.copy(), x.index)

    return kernel


def negative_on_the_host(call: Any) -> Any:
    return lambda x: -honest.held(x)


kernels, kernels_in_place = Kernels("negative"), Kernels("negative_in_place")
kernels_on_the_host = Kernels("negative_on_the_host")

PRINTS = "import mutants.devices\nprint('hello')\nPACKAGE = mutants.devices.Honest()\n"


def _suite(kind: str, package: Honest | None) -> Callable[[], type]:
    def make() -> type:
        from dovetail_conformance import device_suite  # takes long to import, and device packages are loaded alone too

        return device_suite(kind, failing=None if package is None else package.failing)

    return make


def _kernels(attribute: str, what: str, *tests: str) -> Mutant:
    name = f"device_{attribute}"

    def make() -> type:
        from dovetail_conformance import kernel_suite  # as above

        return kernel_suite(name)

    entry_points = {"dovetail.kernels.v1": f"{name} = mutants.devices:{attribute}"}
    return Mutant(name=name, what=what, suite=make, caught_by=frozenset(tests), entry_points=entry_points)


def _mutant(attribute: str, what: str, *tests: str) -> Mutant:
    package: Honest = globals()[attribute]
    kind = f"table-{attribute.replace('_', '-')}"
    return Mutant(
        name=f"device_{attribute}",
        what=what,
        suite=_suite(kind, package),
        caught_by=frozenset(tests),
        entry_points={"dovetail.devices.v1": f"{kind} = mutants.devices:{attribute}"},
    )


MUTANTS = (
    _mutant("aliases", "keeps the host's array as the buffer", "shares_no_memory_with_the_host"),
    _mutant("ignores", "reads the host's array in the order of memory", "contents_come_back"),
    _mutant("narrows", "keeps float64 as float32", "contents_come_back"),
    _mutant("axis", "gives 0-d arrays an axis", "contents_come_back"),
    _mutant("nans", "makes all NaNs alike", "contents_come_back"),
    _mutant("mixes", "puts all buffers on the first device", "memory_is_freed"),
    _mutant("one_name", "has one name for buffers of two devices", "keeps_devices_apart"),
    _mutant("gives", "gives its own memory to be written", "shares_no_memory_with_the_host"),
    _mutant("reuses", "reuses memory that to_host gave", "contents_outlive_their_buffer"),
    _mutant("writes", "clears the array that it was given", "contents_come_back"),
    _mutant("staging", "stages copies in memory that threads share", "is_safe_in_threads"),
    _mutant("keeps", "never frees a buffer", "memory_is_freed"),
    _mutant("copies", "copies to the buffer itself", "buffers_can_be_given_away"),
    _mutant("nothing", "gives zeros where memory runs out", "a_failed_allocation_leaves_all_whole"),
    _mutant("anything", "raises a RuntimeError where memory runs out", "a_failed_allocation_leaves_all_whole"),
    _mutant("describes", "has no description of its second device", "describes_each_device"),
    Mutant(
        name="device_prints",
        what="its module prints",
        suite=_suite("table-prints", None),
        caught_by=frozenset({"loads"}),
        entry_points={"dovetail.devices.v1": "table-prints = device_that_prints:PACKAGE"},
        files={"device_that_prints.py": PRINTS},
    ),
    _kernels("kernels_in_place", "a kernel of a device writes its input", "l3_contract"),
    _kernels("kernels_on_the_host", "a kernel of a device gives an array of the host", "l1_honesty"),
    _kernels("kernels", "a kernel of a device that is right"),
    _mutant("honest", "keeps layouts, counts what it holds, can be made to fail"),
)
