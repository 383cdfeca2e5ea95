"""From a schedule to a program: the words that the driver reads, before they have a place in memory."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dovetail_protocols.records import record

from ..codegen.types import size_bytes
from ..kernels.kernel import Launch, Moving, View
from .schedule import Arena, Branch, Constant, Input, Output, Repeat, Schedule, Stage, Step, While
from .structures import Context, InputEntry, Instruction, LaunchEntry, Move, OutputEntry, Patch
from .work import Work, seconds_of, worth_sharing

LONG = 2**62
"""The limit of a loop that has none."""


@record
class Program:
    """`words`, to be copied for each context; to those at `own` the copy's address is added, to those at `arena` the
    arena's. `launches`: what the NUMBERs of LaunchEntries count, from the executable's on. `work`: how long a call may
    take."""

    words: np.ndarray[tuple[int], np.dtype[np.int64]]
    own: np.ndarray[tuple[int], np.dtype[np.int64]]
    arena: np.ndarray[tuple[int], np.dtype[np.int64]]
    launches: tuple[Launch, ...]
    scratch_bytes: int
    work: Work


def assemble(schedule: Schedule, addresses: Mapping[str, int], number: int = 0) -> Program:
    """The program of a schedule, given the addresses of its kernels by their texts. `number`: the executable's."""
    return _Assembly(schedule, addresses, number).program()


@record
class _Operand:
    """A word of an instruction: a number; or the address of a word of the program; or that of an instruction."""

    number: int
    kind: str = "number"


class _Label:
    """A place in the code that may not be known yet."""

    def __init__(self) -> None:
        self.instruction = -1


class _Assembly:
    def __init__(self, schedule: Schedule, addresses: Mapping[str, int], number: int) -> None:
        self.schedule, self.addresses, self.number = schedule, addresses, number
        self.words: list[int] = []
        self.own: list[int] = []
        self.arena: list[int] = []
        self.input_patches: list[list[tuple[int, int]]] = [[] for _ in schedule.inputs]
        self.output_patches: list[list[tuple[int, int]]] = [[] for _ in schedule.outputs]
        self.moves: dict[int, list[tuple[int, int]]] = {}
        self.launches: list[Launch] = []
        self.code: list[list[_Operand | _Label]] = []
        self._reserve(Context.SIZE)

    def program(self) -> Program:
        self._steps(self.schedule.steps)
        self._emit(Instruction.END)
        self._write_code()
        self._write_inputs()
        self._write_outputs()
        return Program(
            np.array(self.words, np.int64),
            np.array(self.own, np.int64),
            np.array(self.arena, np.int64),
            tuple(self.launches),
            max((launch.kernel.scratch_bytes for launch in self.launches), default=0),
            seconds_of(self.schedule.steps),
        )

    # ------------------------------------------------------------------ words

    def _reserve(self, count: int) -> int:
        """The place of so many new words."""
        place = len(self.words)
        self.words += [0] * count
        return place

    def _point(self, place: int, target: int) -> None:
        """Makes a word the address of another."""
        self.words[place] = 8 * target
        self.own.append(place)

    def _pairs(self, table: list[tuple[int, int]]) -> tuple[int, int]:
        """Where a table of (address of a word, number) begins and ends."""
        first = self._reserve(2 * len(table))
        for row, (word, number) in enumerate(table):
            self._point(first + 2 * row, word)
            self.words[first + 2 * row + 1] = number
        return first, len(self.words)

    def _argument(self, place: int, argument: View | Moving | int) -> None:
        """Fills the word of an argument."""
        if isinstance(argument, Moving):
            unit = size_bytes(argument.start.dtype) if isinstance(argument.start, View) else 1
            for number, step in argument.steps:
                if number not in self.moves:
                    raise ValueError(f"{argument} moves with Repeat {number}, which isn't around it")
                self.moves[number].append((place, step * unit))
            self._argument(place, argument.start)
        elif isinstance(argument, View):
            self._address(place, argument)
        else:
            self.words[place] = argument

    def _address(self, place: int, view: View) -> None:
        bytes_ = view.offset * size_bytes(view.dtype)
        location = self.schedule.locations[view.buffer]
        if isinstance(location, Arena):
            self.words[place] = location.offset_bytes + bytes_
            self.arena.append(place)
        elif isinstance(location, Constant):
            self.words[place] = location.array.ctypes.data + bytes_
        elif isinstance(location, Input):
            self.input_patches[location.place].append((place, bytes_))
        else:
            self._output_address(place, location, bytes_)

    def _output_address(self, place: int, location: Output, bytes_: int) -> None:
        source = self.schedule.in_place.get(location.place)
        patches = self.output_patches[location.place] if source is None else self.input_patches[source]
        patches.append((place, bytes_))

    # ------------------------------------------------------------------ steps

    def _steps(self, steps: tuple[Step, ...]) -> None:
        serial: list[Launch] = []
        for step in steps:
            if isinstance(step, Stage) and not worth_sharing(step):
                serial += step.launches
                continue
            self._serial(serial)
            serial = []
            if isinstance(step, Stage):
                self._parallel(step)
            elif isinstance(step, Repeat):
                self._repeat(step)
            elif isinstance(step, While):
                self._while(step)
            else:
                self._branch(step)
        self._serial(serial)

    def _serial(self, launches: list[Launch]) -> None:
        """One instruction for all launches that the calling thread runs in a row."""
        if launches:
            first, end, _ = self._entries(launches)
            self._emit(Instruction.SERIAL, _word(first), _word(end))

    def _parallel(self, stage: Stage) -> None:
        first, end, tasks = self._entries(stage.launches)
        self._emit(Instruction.PARALLEL, _word(first), _word(end), _Operand(tasks))

    def _entries(self, launches: list[Launch] | tuple[Launch, ...]) -> tuple[int, int, int]:
        """Where the entries of launches begin and end, and how many tasks they have."""
        arguments = []
        for launch in launches:
            arguments.append(self._reserve(len(launch.arguments)))
            for place, argument in enumerate(launch.arguments, arguments[-1]):
                self._argument(place, argument)
        first = self._reserve(LaunchEntry.SIZE * len(launches))
        tasks = 0
        for entry, (launch, place) in enumerate(zip(launches, arguments, strict=True)):
            words = first + entry * LaunchEntry.SIZE
            self.words[words + LaunchEntry.FUNCTION] = self.addresses[launch.kernel.text]
            self._point(words + LaunchEntry.ARGUMENTS, place)
            self.words[words + LaunchEntry.FIRST] = tasks
            tasks += launch.tasks
            self.words[words + LaunchEntry.END] = tasks
            self.words[words + LaunchEntry.NUMBER] = (self.number << 32) + len(self.launches)
            self.launches.append(launch)
        return first, len(self.words), tasks

    def _repeat(self, step: Repeat) -> None:
        if step.number in self.moves:
            raise ValueError(f"Repeat {step.number} is inside of another one of that number")
        self.moves[step.number] = []
        if step.count:
            start = self._here()
            self._steps(step.body)
            if step.count > 1:
                first, end = self._pairs(self.moves[step.number])
                self._emit(Instruction.AGAIN, _Operand(0), _Operand(step.count), start, _word(first), _word(end))
        del self.moves[step.number]

    def _while(self, step: While) -> None:
        count, done = self._reserve(1), _Label()
        self._emit(Instruction.RESET, _word(count))
        start = self._here()
        self._emit(Instruction.COUNT, _word(count), _Operand(LONG if step.limit is None else step.limit), done)
        self._steps(step.condition)
        self._unless(step.predicate, done)
        self._steps(step.body)
        self._emit(Instruction.JUMP, _Operand(0), _Operand(0), start)
        self._mark(done)

    def _branch(self, step: Branch) -> None:
        otherwise, done = _Label(), _Label()
        self._unless(step.predicate, otherwise)
        self._steps(step.true)
        self._emit(Instruction.JUMP, _Operand(0), _Operand(0), done)
        self._mark(otherwise)
        self._steps(step.false)
        self._mark(done)

    def _unless(self, predicate: View | Moving, label: _Label) -> None:
        place = self._reserve(1)
        self._argument(place, predicate)
        self._emit(Instruction.UNLESS, _word(place), _Operand(0), label)

    # ------------------------------------------------------------------ code

    def _emit(self, operation: int, *operands: _Operand | _Label) -> None:
        self.code.append([_Operand(operation), *operands])

    def _here(self) -> _Label:
        label = _Label()
        self._mark(label)
        return label

    def _mark(self, label: _Label) -> None:
        label.instruction = len(self.code)

    def _write_code(self) -> None:
        first = self._reserve(Instruction.SIZE * len(self.code))
        self._point(Context.CODE, first)
        for number, operands in enumerate(self.code):
            for place, operand in enumerate(operands, first + number * Instruction.SIZE):
                if isinstance(operand, _Label):
                    self._point(place, first + operand.instruction * Instruction.SIZE)
                elif operand.kind == "word":
                    self._point(place, operand.number)
                else:
                    self.words[place] = operand.number

    # ------------------------------------------------------------------ tables

    def _write_inputs(self) -> None:
        tables = [self._pairs(patches) for patches in self.input_patches]
        shapes = [self._numbers(shape) for _, shape in self.schedule.inputs]
        first = self._reserve(InputEntry.SIZE * len(tables))
        self._point(Context.INPUTS, first)
        self.words[Context.INPUT_COUNT] = len(tables)
        for number, (patches, end) in enumerate(tables):
            entry = first + number * InputEntry.SIZE
            self.words[entry + InputEntry.RANK] = len(self.schedule.inputs[number][1])
            self._point(entry + InputEntry.SHAPE, shapes[number])
            self._point(entry + InputEntry.FIRST, patches)
            self._point(entry + InputEntry.END, end)

    def _numbers(self, numbers: tuple[int, ...]) -> int:
        place = self._reserve(len(numbers))
        self.words[place:] = numbers
        return place

    def _write_outputs(self) -> None:
        tables = [self._pairs(patches) for patches in self.output_patches]
        given = {**self.schedule.in_place, **self.schedule.passed_through}
        first = self._reserve(OutputEntry.SIZE * len(tables))
        self._point(Context.OUTPUTS, first)
        self.words[Context.OUTPUT_COUNT] = len(tables)
        for number, (patches, end) in enumerate(tables):
            entry = first + number * OutputEntry.SIZE
            self.words[entry + OutputEntry.IS] = given.get(number, -1)
            self._point(entry + OutputEntry.FIRST, patches)
            self._point(entry + OutputEntry.END, end)


def _word(place: int) -> _Operand:
    return _Operand(place, "word")


assert Patch.SIZE == Move.SIZE == 2  # tables of pairs
