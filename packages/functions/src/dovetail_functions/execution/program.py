"""A program: the steps of a graph as one Python function, written for it.

Values are its local variables, so that a step costs one call and nothing else, and `del` gives a buffer back as soon as
nothing needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any

from dovetail_protocols.compilers import KernelReport, SupportsKernelReport
from dovetail_protocols.errors import DovetailError, KernelError

from .steps import Step

FILE_NAME = "<dovetail program>"


class Program:
    """Runs steps on buffers. Safe in several threads; holds no buffers but constants between calls.

    `source` is the function's text, for readers.
    """

    __slots__ = ("run", "source", "steps")

    def __init__(
        self,
        inputs: Sequence[int],
        constants: Mapping[int, Any],
        steps: Sequence[Step],
        outputs: Sequence[int],
        normalize: Mapping[int, Callable[[Any], Any]],
    ) -> None:
        """`normalize`: for some values, what makes a buffer of what a step gave (NumPy's scalars, for one)."""
        self.steps = tuple(steps)
        self.source, first_lines = _write(inputs, self.steps, outputs, normalize)
        namespace: dict[str, Any] = {f"v{number}": buffer for number, buffer in constants.items()}
        namespace |= {f"step{place}": step.run for place, step in enumerate(self.steps)}
        namespace |= {f"normalize{number}": function for number, function in normalize.items()}
        exec(compile(self.source, FILE_NAME, "exec"), namespace)
        self.run: Callable[..., tuple[Any, ...]] = self._guarded(namespace["program"], first_lines)
        """What calling the program does, for those whom one call more costs too much."""

    def __call__(self, *buffers: Any) -> tuple[Any, ...]:
        """The buffers of the outputs. Nothing is changed where a step raises.

        Raises: KernelError, saying which step, with its cause.
        """
        return self.run(*buffers)

    def kernel_reports(self) -> tuple[tuple[str, tuple[KernelReport, ...]], ...]:
        """What compiled steps say of their kernels, by name of compiler."""
        compiled: list[tuple[str, Any]] = [(step.package, step.run) for step in self.steps]
        return tuple(
            (name, tuple(run.kernel_report())) for name, run in compiled if isinstance(run, SupportsKernelReport)
        )

    def _guarded(self, function: Callable[..., Any], first_lines: list[int]) -> Callable[..., Any]:
        def run(*buffers: Any) -> Any:
            try:
                return function(*buffers)
            except DovetailError:
                raise
            except (Exception, SystemExit) as error:  # a kernel may raise anything; re-raised with the node it ran
                step = self.steps[_place(error.__traceback__, first_lines)]
                raise KernelError(
                    f"{step.runner} failed for {step.what}",
                    where=step.source or None,
                    cause=f"{type(error).__name__}: {error}",
                    effect="nothing else was tried in its place",
                    fix=_fix(step),
                ) from error

        return run


def _fix(step: Step) -> str:
    eagerly = "run the function eagerly to compare: run_functions_eagerly(True)"
    return f"rerun with DOVETAIL_KERNELS=-{step.package} to compare; or {eagerly}" if step.package else eagerly


def _write(
    inputs: Sequence[int],
    steps: Sequence[Step],
    outputs: Sequence[int],
    normalize: Mapping[int, Callable[[Any], Any]],
) -> tuple[str, list[int]]:
    """The text of the function, and the number of the line on which each step stands."""
    dying = _last_uses(steps, outputs)
    local = {number for step in steps for number in step.outputs} | set(inputs)
    lines = [f"def program({', '.join(_name(number) for number in inputs)}):"]
    first_lines: list[int] = []
    for place, step in enumerate(steps):
        targets = ", ".join(_name(number) for number in step.outputs)
        if step.several:
            targets = f"({targets},)" if step.outputs else "_"
        lines.append(f"    {targets} = step{place}({', '.join(_name(number) for number in step.inputs)})")
        first_lines.append(len(lines))
        lines += [
            f"    {_name(number)} = normalize{number}({_name(number)})"
            for number in step.outputs
            if number in normalize
        ]
        dead = [_name(number) for number in dying[place] if number in local]
        if dead:
            lines.append(f"    del {', '.join(dead)}")
    lines.append(f"    return ({''.join(_name(number) + ', ' for number in outputs)})")
    return "\n".join(lines) + "\n", first_lines


def _name(number: int | None) -> str:
    return "None" if number is None else f"v{number}"


def _last_uses(steps: Sequence[Step], outputs: Sequence[int]) -> list[list[int]]:
    """For each step, the values that nothing needs after it."""
    needed = set(outputs)
    dying: list[list[int]] = []
    for step in reversed(steps):
        touched = dict.fromkeys(number for number in (*step.inputs, *step.outputs) if number is not None)
        dying.append([number for number in touched if number not in needed])
        needed.update(touched)
    return dying[::-1]


def _place(traceback: TracebackType | None, first_lines: list[int]) -> int:
    """Which step an error comes from."""
    line = 0
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == FILE_NAME:
            line = traceback.tb_lineno
            break
        traceback = traceback.tb_next
    return max((place for place, first in enumerate(first_lines) if first <= line), default=0)
