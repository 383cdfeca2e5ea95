"""The public names, held equal to a list that is reviewed."""

import dovetail_autodiff
from dovetail_autodiff import extend

REVIEWED = [
    "GradientTape",
    "check_gradients",
    "custom_gradient",
    "grad",
    "hessian",
    "jacobian",
    "jvp",
    "rematerialise",
    "stop_gradient",
    "value_and_grad",
    "vjp",
    "vmap",
]
EXTENSION = ["batching_of", "gradient_of", "jvp_of", "not_differentiable", "pushforward_of", "vjp_of"]


def test_public_names_are_the_reviewed_ones() -> None:
    assert dovetail_autodiff.__all__ == REVIEWED
    assert all(hasattr(dovetail_autodiff, name) for name in REVIEWED)


def test_the_extension_surface_is_the_reviewed_one() -> None:
    assert [name for name in extend.__all__ if not name.isupper()] == EXTENSION


def test_every_public_name_is_documented() -> None:
    assert all(getattr(dovetail_autodiff, name).__doc__ for name in REVIEWED)
