"""How operations get their rules: the extension surface of the protocols, under this package's name for it."""

from dovetail_protocols.derivatives import (
    BATCHERS,
    GRADIENTS,
    NOT_DIFFERENTIABLE,
    PULLBACKS,
    PUSHFORWARDS,
    TANGENTS,
    batching_of,
    gradient_of,
    jvp_of,
    not_differentiable,
    pushforward_of,
    vjp_of,
)

__all__ = [
    "BATCHERS",
    "GRADIENTS",
    "NOT_DIFFERENTIABLE",
    "PULLBACKS",
    "PUSHFORWARDS",
    "TANGENTS",
    "batching_of",
    "gradient_of",
    "jvp_of",
    "not_differentiable",
    "pushforward_of",
    "vjp_of",
]
