"""How names change on the way from one file to another."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TypeVar

from dovetail_protocols.errors import AttributeValueError, CheckpointMismatchError, InvalidNameError

Value = TypeVar("Value")

SEPARATORS = {"pytorch": ".", "keras": "/", "dovetail": "/"}
"""What stands between the parts of a name."""
_LISTED = 8


class NameMap:
    """New names for old: `NameMap({"encoder.*": "model/encoder/*"})`. The first pattern that fits a name counts; a name
    that none fits keeps its own. A `*` stands for one character or more, which the new name takes over, the separators
    in them translated ("." in PyTorch, "/" in Keras and Dovetail).

    Raises: InvalidNameError for patterns whose stars don't correspond.
    """

    def __init__(self, patterns: Mapping[str, str]) -> None:
        self.patterns = dict(patterns)
        for old, new in self.patterns.items():
            if old.count("*") != new.count("*"):
                raise InvalidNameError(
                    "a pattern and its new name have different numbers of stars", where="names", got=f"{old!r}: {new!r}"
                )
        self._compiled = [
            (re.compile("(.+)".join(map(re.escape, old.split("*"))), re.DOTALL), new) for old, new in patterns.items()
        ]

    def inverse(self) -> NameMap:
        """The way back, where no two patterns have one new name.

        Raises: InvalidNameError.
        """
        if len(set(self.patterns.values())) < len(self.patterns):
            raise InvalidNameError("two patterns have one new name, so there is no way back", where="names")
        return NameMap({new: old for old, new in self.patterns.items()})

    def require_use(self, names: Iterable[str]) -> None:
        """Raises: AttributeValueError for patterns that fit none of these names: most likely they are mistyped."""
        known = list(names)
        idle = [
            old
            for old, (pattern, _) in zip(self.patterns, self._compiled, strict=True)
            if not any(map(pattern.fullmatch, known))
        ]
        if idle:
            near = get_close_matches(idle[0], _patterns_for(known), 1)
            raise AttributeValueError(
                "no name fits a pattern" if len(idle) == 1 else f"no name fits {len(idle):,} patterns",
                where="names",
                got=", ".join(map(repr, idle[:_LISTED]))
                + (f" and {len(idle) - _LISTED:,} more" * (len(idle) > _LISTED)),
                effect="nothing was written",
                fix=f"did you mean {near[0]!r}?" if near else f"names here are such as {min(known, default='')!r}",
            )

    def fits(self, name: str) -> bool:
        """Whether a pattern fits a name."""
        return any(pattern.fullmatch(name) for pattern, _ in self._compiled)

    def __call__(self, name: str, source: str | None = None, target: str | None = None) -> str:
        """The new name; `source` and `target` are the separators of old and new names, if they have any."""

        def translated(text: str) -> str:
            return text if source is None or target is None else text.replace(source, target)

        for pattern, new in self._compiled:
            match = pattern.fullmatch(name)
            if match:
                parts = new.split("*")
                found = map(translated, match.groups())
                return parts[0] + "".join(taken + part for taken, part in zip(found, parts[1:], strict=True))
        return translated(name)


def _patterns_for(names: Iterable[str]) -> list[str]:
    """Names, and patterns for all below a part of them, of which one may have been meant."""
    found = dict.fromkeys(names)
    for name in list(found):
        for separator in set(SEPARATORS.values()):
            parts = name.split(separator)
            found |= dict.fromkeys(separator.join([*parts[:end], "*"]) for end in range(1, len(parts)))
    return list(found)


def renamed(
    named: Iterable[tuple[str, Value]], names: NameMap, source: str | None, target: str | None
) -> dict[str, Value]:
    """Values under their new names.

    Raises: CheckpointMismatchError where two would have one name.
    """
    found: dict[str, Value] = {}
    origins: dict[str, str] = {}
    for name, value in named:
        if source is not None and target is not None and source != target and target in name and not names.fits(name):
            raise CheckpointMismatchError(
                f"a name has {target!r} in it, which separates the parts of a name in the target",
                where=repr(name),
                fix="give it a new name by names={...}",
            )
        new = names(name, source, target)
        if new in found:
            raise CheckpointMismatchError(
                "two names become one", where=repr(new), got=f"{origins[new]!r} and {name!r}", fix="change names={...}"
            )
        found[new], origins[new] = value, name
    return found
