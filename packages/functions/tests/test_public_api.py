"""The public surface is what was reviewed."""

import dovetail_functions

REVIEWED = [
    "ConcreteFunction",
    "Function",
    "TensorSpec",
    "cond",
    "fori_loop",
    "function",
    "functions_run_eagerly",
    "map",
    "profile",
    "run_functions_eagerly",
    "scan",
    "switch_case",
    "while_loop",
]


def test_public_names_are_the_reviewed_ones() -> None:
    assert dovetail_functions.__all__ == REVIEWED


def test_every_public_name_exists_and_is_documented() -> None:
    assert [name for name in REVIEWED if not getattr(dovetail_functions, name).__doc__] == []
