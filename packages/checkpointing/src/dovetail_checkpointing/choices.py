"""Options that are one of a few words: another word is refused, not taken for one of them."""

from __future__ import annotations

from typing import Any, get_args

from dovetail_protocols.errors import AttributeValueError


def require_choice(option: str, value: object, literal: Any) -> None:
    """Raises: AttributeValueError where a value is none of a Literal's."""
    choices = get_args(literal)
    if value not in choices:
        raise AttributeValueError(
            "an option has a value that it can't have",
            where=option,
            expected=" or ".join(map(repr, choices)),
            got=repr(value),
            effect="nothing was done",
        )
