"""What changed between two surfaces of a package, and which changes break those who rely on it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tools.surface_reading import Surface

POSITIONAL = ("positional-only", "positional or keyword")
VARIADIC = ("variadic positional", "variadic keyword")
TAKEN_BY = {
    "positional-only": {"variadic positional"},
    "positional or keyword": {"variadic positional", "variadic keyword"},
    "keyword-only": {"variadic keyword"},
}
"""What must be there for calls with a parameter that is gone to go on working."""

MOVED = {"kind": "name"}
"""What stands for a name that another package defines, with which it is held; or that is loaded lazily."""


@dataclass(frozen=True, slots=True)
class Changes:
    """`breaks` and `additions`, a line each."""

    breaks: tuple[str, ...]
    additions: tuple[str, ...]


def compare(old: Surface, new: Surface) -> Changes:
    """What is gone or no longer takes what it took, and what is new.

    A protocol that gains a member, or a parameter in one of its members, breaks those who implement it.
    """
    breaks: list[str] = []
    for path, before in old.items():
        if path in new:
            breaks += (f"{path}: {problem}" for problem in _problems(before, new[path], _is_of_protocol(path, old)))
        elif all(owner not in old or new.get(owner, MOVED) != MOVED for owner in _owners(path)):
            breaks.append(f"{path}: removed")
    added = [path for path in new if path not in old]
    required = [path for path in added if _is_of_protocol(path, old)]
    breaks += (f"{path}: a member that implementers of the protocol lack" for path in required)
    return Changes(tuple(sorted(breaks)), tuple(path for path in added if path not in required))


def _owners(path: str) -> Iterator[str]:
    while "." in path:
        path = path.rpartition(".")[0]
        yield path


def _is_of_protocol(path: str, surface: Surface) -> bool:
    return surface.get(path.rpartition(".")[0], {}).get("is") == "protocol"


def _problems(before: dict[str, Any], after: dict[str, Any], of_protocol: bool) -> Iterator[str]:
    if after == MOVED:
        return
    if before["kind"] != after["kind"]:
        yield f"was a {before['kind']}, is a {after['kind']}"
        return
    yield from (f"no longer a {base}" for base in before.get("bases", ()) if base not in after.get("bases", ()))
    if before.get("is") != after.get("is"):
        yield f"was a {before.get('is', 'plain class')}, is a {after.get('is', 'plain class')}"
    elif "parameters" in before:
        yield from _parameter_problems(before["parameters"], after["parameters"])
        if of_protocol:
            known = {name for name, _, _ in before["parameters"]}
            names = [name for name, kind, default in after["parameters"] if name not in known and default is not None]
            yield from (f"{name}: a parameter that implementers of the protocol don't take" for name in names)


def _parameter_problems(before: list[list[Any]], after: list[list[Any]]) -> Iterator[str]:
    there = {name: (kind, default) for name, kind, default in after}
    takes_all = {kind for _, kind, _ in after if kind in VARIADIC}
    places_before, places = _places(before), _places(after)
    for name, kind, default in before:
        place = places_before.get(name)
        if kind == "positional-only" and name not in there and place is not None and place < len(places):
            continue  # renamed, which nobody can tell
        if kind in VARIADIC:
            if kind not in takes_all:
                yield f"{name}: removed"
        elif name not in there:
            if not TAKEN_BY[kind] <= takes_all:
                yield f"{name}: removed or renamed"
        else:
            yield from _kept_problems(name, (kind, default), there[name], place, places.get(name))
    known = {name for name, _, _ in before}
    renamed = {place for name, place in places_before.items() if name not in there}
    for name, kind, default in after:
        is_rename = kind == "positional-only" and places.get(name) in renamed
        if name not in known and default is None and kind not in VARIADIC and not is_rename:
            yield f"{name}: a new parameter without a default"


def _kept_problems(
    name: str, before: tuple[str, str | None], after: tuple[str, str | None], place: int | None, now: int | None
) -> Iterator[str]:
    kind, default = before
    if kind in POSITIONAL and after[0] in POSITIONAL and place != now:
        yield f"{name}: was parameter {place}, is parameter {now}"
    if kind != after[0] and after[0] != "positional or keyword":
        yield f"{name}: was {kind}, is {after[0]}"
    if default is not None and default != after[1]:
        yield f"{name}: default was {default}, is {after[1] or 'none: it is required'}"


def _places(parameters: list[list[Any]]) -> dict[str, int]:
    positional = [name for name, kind, _ in parameters if kind in POSITIONAL]
    return {name: place for place, name in enumerate(positional)}
