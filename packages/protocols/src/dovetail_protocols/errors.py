"""Every error that crosses a package boundary. Each is also the built-in error a caller would expect.

A message says what failed, where, what was expected, what came and what to do; the same facts are attributes.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class DovetailError(Exception):
    """Base of all errors raised on purpose.

    Attributes: `what` failed; `where` (operation, argument, axis, source line); `expected`; `got`; `cause`;
    `effect`; `fix`; `module_path`, which modules fill in as the error passes through them.
    """

    FACTS = ("where", "expected", "got", "cause", "effect", "fix")

    def __init__(
        self,
        what: str,
        *,
        where: object = None,
        expected: object = None,
        got: object = None,
        cause: object = None,
        effect: object = None,
        fix: object = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where, self.expected, self.got = where, expected, got
        self.cause, self.effect, self.fix = cause, effect, fix
        self.module_path: str | None = None

    def __str__(self) -> str:
        facts = [(name, getattr(self, name)) for name in self.FACTS]
        if self.module_path:
            facts.insert(0, ("module", self.module_path))
        return "\n".join([self.what, *(f"  {name}: {value}" for name, value in facts if value is not None)])

    def __reduce__(self) -> Any:
        facts = {name: None if getattr(self, name) is None else str(getattr(self, name)) for name in self.FACTS}
        return _rebuild, (type(self), self.what, facts, self.module_path)


def _rebuild(kind: type[DovetailError], what: str, facts: dict[str, Any], module_path: str | None) -> DovetailError:
    error = kind(what, **facts)
    error.module_path = module_path
    return error


class ShapeError(DovetailError, ValueError):
    """Shapes, ranks, axes or sizes that don't fit."""


class DTypeError(DovetailError, TypeError):
    """A dtype that the operation doesn't take, or two that don't promote."""


class DeviceError(DovetailError, ValueError):
    """An unknown or unusable device, or operands on different ones."""


class DeviceMemoryError(DovetailError, MemoryError):
    """A device has no room for a buffer. Nothing was changed."""


class IndexRangeError(DovetailError, IndexError):
    """An index outside of the axis that it points into, found where the values of indices are looked at."""


class AxisError(ShapeError, IndexError):
    """An axis that the array doesn't have. An IndexError too, as the array API has it and NumPy's AxisError is."""


class ScalarError(ShapeError, TypeError):
    """A number, a length or an index was needed of an array that has none."""


class ImmutableError(DovetailError, TypeError):
    """Something was to be changed that can't be, or not in this way."""


class AttributeValueError(DovetailError, ValueError):
    """An operation's attribute (axis, padding, …) has a value outside what it takes."""


class SignatureError(DovetailError, TypeError):
    """A call whose arguments don't match what is callable: too many, missing, unknown, wrong structure."""


class StructureError(DovetailError, ValueError):
    """Two nested containers that should have the same structure, or one that can't be traversed."""


class InvalidNameError(DovetailError, ValueError):
    """A name that is no identifier, or taken already."""


class UnknownOperationError(DovetailError, LookupError):
    """No operation of that name and version is known."""


class KernelNotFoundError(DovetailError, LookupError):
    """No installed kernel package, and no decomposition, can run an operation for these dtypes on this device."""


class KernelError(DovetailError, RuntimeError):
    """A kernel raised while running, or gave what it hadn't declared."""


class PluginError(DovetailError, ImportError):
    """A plug-in asked for by name is missing, broken, or speaks another protocol version."""


class PluginWarning(UserWarning):
    """A plug-in was left out; the message says which, why, the effect and the fix."""


class MissingPackageError(DovetailError, ImportError):
    """A name whose package isn't installed. The fix is the `pip install` line."""


class GraphError(DovetailError, ValueError):
    """A graph that isn't well formed, or a text or JSON form that can't be read."""


class TraceError(DovetailError, RuntimeError):
    """Something a traced function can't do: read a value, create a variable late, call itself."""


class ConcretizationError(TraceError, TypeError):
    """The value of a traced tensor was needed (`if`, `while`, `float()`, `.numpy()`) while it had none."""


class LeakedTensorError(TraceError):
    """A tensor made inside a trace or a transformation was used after it ended."""


class GradientError(DovetailError, LookupError):
    """An operation has neither gradient rule nor decomposition, or a gradient was asked for that can't be had."""


class TapeError(DovetailError, RuntimeError):
    """A gradient tape used as it can't be: entered while it records, or asked again after it forgot."""


class UninitializedError(DovetailError, RuntimeError):
    """Something used before it was built, called or initialized."""


class CheckpointError(DovetailError, RuntimeError):
    """Base of what saving and restoring raise."""


class CheckpointMismatchError(CheckpointError, ValueError):
    """Names, shapes or dtypes in a checkpoint differ from the target's. Nothing was changed."""


class CheckpointCorruptError(CheckpointError):
    """A checkpoint's bytes aren't what was written."""


class CheckpointVersionError(CheckpointError):
    """A checkpoint in a format from the future, or with an item of a version that this program doesn't know."""


class CheckpointUnsafeError(CheckpointError):
    """A checkpoint that breaks a rule of safety (a link for a file, a size beyond the limits, a name that leaves its
    folder), or that isn't the one whose digest was given. Found before anything is allocated or read."""


class CheckpointSpaceError(CheckpointError):
    """Storage has no room for a checkpoint. Earlier ones are untouched."""


class CheckpointDurabilityError(CheckpointError):
    """Storage did not confirm that a checkpoint would survive a power cut. It is no use trying again there."""


class CheckpointBusyError(CheckpointError):
    """Somebody else is writing there."""


class CommunicatorError(DovetailError, ConnectionError):
    """The ranks of a communicator have lost each other: one ended, or did not come within its time."""


class CheckpointWarning(UserWarning):
    """Something about checkpoints that went another way than asked for; the message says which, and why."""
