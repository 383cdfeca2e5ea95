"""Errors that cross package boundaries: what they say, and what else they are."""

from __future__ import annotations

import pickle

import pytest

from dovetail_protocols import errors
from dovetail_protocols.errors import DovetailError, ShapeError

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, DovetailError) and kind is not DovetailError
]

BUILT_IN = {
    "AttributeValueError": ValueError,
    "AxisError": IndexError,
    "CheckpointBusyError": RuntimeError,
    "CheckpointCorruptError": RuntimeError,
    "CheckpointDurabilityError": RuntimeError,
    "CheckpointError": RuntimeError,
    "CheckpointMismatchError": ValueError,
    "CheckpointSpaceError": RuntimeError,
    "CheckpointUnsafeError": RuntimeError,
    "CheckpointVersionError": RuntimeError,
    "CommunicatorError": ConnectionError,
    "ConcretizationError": TypeError,
    "DTypeError": TypeError,
    "DeviceError": ValueError,
    "DeviceMemoryError": MemoryError,
    "GradientError": LookupError,
    "GraphError": ValueError,
    "ImmutableError": TypeError,
    "IndexRangeError": IndexError,
    "InvalidNameError": ValueError,
    "KernelError": RuntimeError,
    "KernelNotFoundError": LookupError,
    "LeakedTensorError": RuntimeError,
    "MissingPackageError": ImportError,
    "PluginError": ImportError,
    "ScalarError": TypeError,
    "ShapeError": ValueError,
    "SignatureError": TypeError,
    "StructureError": ValueError,
    "TapeError": RuntimeError,
    "TraceError": RuntimeError,
    "UninitializedError": RuntimeError,
    "UnknownOperationError": LookupError,
}


def test_each_error_is_also_the_built_in_that_a_caller_would_expect() -> None:
    assert {kind.__name__ for kind in KINDS} == BUILT_IN.keys()
    for kind in KINDS:
        assert issubclass(kind, BUILT_IN[kind.__name__]), kind


def test_message_gives_one_fact_a_line_in_one_order() -> None:
    error = ShapeError(
        "matmul: inner axes differ", where="matmul, operand x2", expected=3, got=4, cause="c", effect="e", fix="f"
    )
    assert str(error).splitlines() == [
        "matmul: inner axes differ",
        "  where: matmul, operand x2",
        "  expected: 3",
        "  got: 4",
        "  cause: c",
        "  effect: e",
        "  fix: f",
    ]
    assert str(ShapeError("bare")) == "bare"


def test_a_fact_that_is_false_or_empty_is_told_all_the_same() -> None:
    assert str(ShapeError("what", expected=(), got=0)) == "what\n  expected: ()\n  got: 0"


def test_facts_are_attributes() -> None:
    error = ShapeError("what", where="here", expected=(2, 3), got=(4,), fix="reshape")
    assert (error.what, error.where, error.expected, error.got, error.fix) == (
        *("what", "here", (2, 3), (4,), "reshape"),
    )
    assert error.cause is None
    assert error.effect is None


def test_module_path_filled_in_on_the_way_out_comes_first() -> None:
    error = ShapeError("what", where="here")
    assert error.module_path is None
    error.module_path = "model.layers[2]"
    assert str(error) == "what\n  module: model.layers[2]\n  where: here"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_errors_survive_pickling_with_their_text_and_their_path(kind: type[DovetailError]) -> None:
    error = kind("what", where="here", expected=(1, 2), got=object, fix="that")
    error.module_path = "model"
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == str(error)
    assert again.module_path == "model"
    assert again.cause is None


def test_errors_that_hold_what_cannot_be_pickled_travel_as_text() -> None:
    error = ShapeError("what", got=lambda: None)
    assert "<lambda>" in pickle.loads(pickle.dumps(error)).got
