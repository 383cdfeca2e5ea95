"""What is asked of a checkpoint format on sound files: everything comes back to the bit, under its name, and what
doesn't fit is refused whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dovetail_protocols import dtypes as dt
from dovetail_protocols.arrays import is_variable
from dovetail_protocols.errors import CheckpointError, CheckpointMismatchError, DovetailError

from .checkpoint_trees import Make, StatefulObject, Values, bits_of, in_place_bits, leaves_of, small

Save = Callable[[Path, Any], Any]
Restore = Callable[[Path, Any], Any]
Partial = Callable[[Path, Any], tuple[Iterable[str], Iterable[str]]]


@dataclass(frozen=True, slots=True)
class Format:
    """A checkpoint format as the suite sees it; see checkpoint_format_suite."""

    save: Save
    restore: Restore
    partial: Partial | None = None


def differences(restored: Any, expected: dict[Any, Any]) -> list[str]:
    """Leaves of a tree, by path, that aren't what they should be."""
    found = bits_of(restored)
    lost = [f"{path!r} is lost" for path in expected if path not in found]
    new = [f"{path!r} is new" for path in found if path not in expected]
    return [*lost, *new, *[f"{p!r} came back changed" for p in expected if p in found and found[p] != expected[p]]]


def round_trip_problems(form: Format, folder: Path, make: Make) -> list[str]:
    """What of a tree doesn't come back to the bit, into a tree of the same structure."""
    path, saved, target = folder / "checkpoint", make(1), make(None)
    expected = bits_of(saved)
    form.save(path, saved)
    found = ["saving changed what was saved"] if bits_of(saved) != expected else []
    found += differences(form.restore(path, target), expected)
    changed = in_place_bits(target)
    return found + [f"{name!r} was not restored in place" for name in changed if changed[name] != expected[name]]


def object_round_trip_problems(form: Format, folder: Path, make: Callable[[], Any]) -> list[str]:
    """The same for a tree of somebody else's objects, whose variables get bits by chance before they are saved."""
    path, saved, target = folder / "checkpoint", make(), make()
    values = Values(2)
    for leaf in leaves_of(saved).values():
        if is_variable(leaf):
            leaf.replace(values.array(*leaf.meta.shape, dtype=leaf.meta.dtype))
    form.save(path, saved)
    return differences(form.restore(path, target), bits_of(saved))


def name_problems(form: Format, folder: Path) -> list[str]:
    """Whether values are matched by name, whatever the order and however alike the names."""
    names = ["a", "b", "a/b", "B", "é", "a b", "10", "9", "a.b", "b_"]
    path, values = folder / "checkpoint", Values(3)
    saved = {name: values.array(3) for name in names}
    form.save(path, saved)
    restored = form.restore(path, {name: np.zeros(3, np.float32) for name in reversed(names)})
    return differences(restored, bits_of(saved))


def alike_name_problems(form: Format, folder: Path) -> list[str]:
    """Whether paths that read alike, such as a key "a/b" and a key "b" below "a", are refused or kept apart."""
    values, found = Values(7), []
    for place, tree in enumerate(_alike(values.array)):
        path = folder / str(place)
        try:
            form.save(path, tree)
        except (DovetailError, ValueError, TypeError):
            continue
        found += differences(form.restore(path, _alike(Values(None).array)[place]), bits_of(tree))
    return found


def _alike(array: Callable[..., Any]) -> list[Any]:
    return [{"a": {"b": array(3)}, "a/b": array(3)}, {0: array(3), "0": array(3)}]


def replacing_problems(form: Format, folder: Path) -> list[str]:
    """Whether a save in the place of another leaves the new one, and nothing of the old."""
    path = folder / "checkpoint"
    form.save(path, {"old": np.ones(3), "both": np.ones(3)})
    form.save(path, small(4))
    return differences(form.restore(path, small(None)), bits_of(small(4)))


def _changed(name: str, value: Any) -> Callable[[], Any]:
    return lambda: small(None) | {name: value()}


def _without(name: str) -> Callable[[], Any]:
    return lambda: {key: value for key, value in small(None).items() if key != name}


MISMATCHES: dict[str, Callable[[], Any]] = {
    "another shape": _changed("z", lambda: Values(None).variable(2, 4)),
    "a shape of the same size": _changed("z", lambda: Values(None).variable(3, 2)),
    "one axis more": _changed("z", lambda: Values(None).variable(1, 2, 3)),
    "another dtype": _changed("z", lambda: Values(None).variable(2, 3, dtype=dt.float64)),
    "a dtype of the same size": _changed("z", lambda: Values(None).variable(2, 3, dtype=dt.int32)),
    "a variable that the checkpoint lacks": _changed("zz", lambda: Values(None).variable(2)),
    "no variable for one in the checkpoint": _without("z"),
    "another object": _changed("model", lambda: StatefulObject({"weight": Values(None).variable(2, 3)}, epoch=0)),
}


def mismatch_problems(form: Format, folder: Path, target: Any) -> list[str]:
    """Whether a target that doesn't fit is refused, with nothing changed."""
    path = folder / "checkpoint"
    form.save(path, small(5))
    before = in_place_bits(target)
    found = []
    try:
        form.restore(path, target)
        found.append("it was restored all the same")
    except CheckpointMismatchError:
        pass
    except Exception as error:  # noqa: BLE001 - a format may raise anything; callers expect the protocols' errors
        found.append(f"it raised {type(error).__name__}, not CheckpointMismatchError: {error}")
    changed = [str(name) for name, value in in_place_bits(target).items() if value != before[name]]
    return found + ([f"it was refused, but changed {', '.join(changed)}"] if changed and not found else [])


def absence_problems(form: Format, folder: Path) -> list[str]:
    """Whether restoring where nothing was saved raises a CheckpointError."""
    try:
        form.restore(folder / "nowhere", small(None))
    except CheckpointError:
        return []
    except Exception as error:  # noqa: BLE001 - a format may raise anything; callers expect the protocols' errors
        return [f"where there is no checkpoint it raised {type(error).__name__}, not CheckpointError"]
    return ["where there is no checkpoint it restored all the same"]


def partial_problems(form: Format, partial: Partial, folder: Path) -> list[str]:
    """Whether a partial restore restores what fits, leaves the rest, and names both kinds of what doesn't."""
    path, values = folder / "checkpoint", Values(6)
    saved = {"shared": values.variable(3), "old": values.variable(2)}
    form.save(path, saved)
    target = {"shared": Values(None).variable(3), "new": Values(None).variable(2)}
    before = bits_of(target)
    missing, unexpected = partial(path, target)
    found = []
    if bits_of(target)["shared",] != bits_of(saved)["shared",]:
        found.append("what fits was not restored")
    if bits_of(target)["new",] != before["new",]:
        found.append("what the checkpoint lacks was changed")
    for what, names, right in (("missing", missing, "new"), ("unexpected", unexpected, "old")):
        if list(names) != [right]:
            found.append(f"it reports {what} names {list(names)}, not {[right]}")
    return found
