"""Structures of arguments and results: to JSON and back, taken apart, put together."""

from __future__ import annotations

import json
from collections import OrderedDict, namedtuple
from collections.abc import Iterator
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dovetail_checkpointing.program import structures
from dovetail_protocols import use_provider
from dovetail_protocols.errors import StructureError
from dovetail_protocols.functions import Slot

Pair = namedtuple("Pair", ["x", "y"])


class NoArrays:
    """A tensor package in so far as these tests need one."""

    def is_array(self, value: Any) -> bool:
        return False


@pytest.fixture(autouse=True)
def _no_arrays() -> Iterator[None]:
    before = use_provider(NoArrays())  # type: ignore[arg-type] # see there
    yield
    use_provider(before)


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.builds(Slot, st.integers(0, 9))
STRUCTURES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(STRUCTURES)
def test_a_structure_comes_back_the_same_through_json(structure: Any) -> None:
    text = json.dumps(structures.encode(structure, "it"), allow_nan=False)
    assert repr(structures.decode(json.loads(text))) == repr(structure)


def test_named_tuples_become_tuples_and_ordered_dicts_dicts() -> None:
    assert structures.decode(structures.encode(Pair(1, OrderedDict(k=Slot(0))), "it")) == (1, {"k": Slot(0)})


@pytest.mark.parametrize("value", [{1, 2}, object(), b"bytes", 1j, {(1, 2): 3}, {True: 1}, {1.5: 1}])
def test_what_has_no_form_is_refused_by_name(value: Any) -> None:
    with pytest.raises(StructureError, match="an argument"):
        structures.encode([value], "an argument")


@pytest.mark.parametrize(
    "read",
    [
        {},
        [],
        1.5,
        {"slot": -1},
        {"slot": True},
        {"slot": "0"},
        {"float": 1},
        {"float": "one"},
        {"set": []},
        {"tuple": {}},
        {"tuple": [], "list": []},
        {"dict": {}},
        {"dict": [["a"]]},
        {"dict": [["a", 1], ["a", 2]]},
        {"dict": [[None, 1]]},
        {"dict": [[{"slot": 0}, 1]]},
    ],
)
def test_json_of_another_form_is_refused(read: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        structures.decode(read)


def test_slots_are_found_in_order_and_filled() -> None:
    structure = {"b": [Slot(2), None], "a": (Slot(0), {"c": Slot(1)})}
    assert list(structures.slots(structure)) == [2, 0, 1]
    assert structures.fill(structure, ["x", "y", "z"]) == {"b": ["z", None], "a": ("x", {"c": "y"})}


def taken(structure: Any, value: Any) -> dict[int, Any] | None:
    found: dict[int, Any] = {}

    def take(number: int, part: Any) -> bool:
        found[number] = part
        return True

    return found if structures.take_apart(structure, value, take) else None


def test_a_value_of_the_structure_is_taken_apart() -> None:
    structure = ((Slot(0), [Slot(1), 2.0]), {"mode": "up", "k": None})
    assert taken(structure, ((5, [6, 2.0]), {"k": None, "mode": "up"})) == {0: 5, 1: 6}
    assert taken((Slot(0), Slot(1)), Pair(1, 2)) == {0: 1, 1: 2}
    for other in [
        ([5, [6, 2.0]], {"mode": "up", "k": None}),
        ((5, (6, 2.0)), {"mode": "up", "k": None}),
        ((5, [6, 2]), {"mode": "up", "k": None}),
        ((5, [6, 2.0]), {"mode": "down", "k": None}),
        ((5, [6, 2.0]), {"mode": "up"}),
        ((5, [6, 2.0], 7), {"mode": "up", "k": None}),
    ]:
        assert taken(structure, other) is None


def test_plain_values_are_told_apart_to_the_bit() -> None:
    for value in (1, 1.0, True, 0.0, -0.0, "1", None, inf):
        equal = [other for other in (1, 1.0, True, 0.0, -0.0, "1", None, inf) if taken(value, other) is not None]
        assert [repr(one) for one in equal] == [repr(value)]
    assert taken(nan, nan) == {}


def test_outputs_of_a_signature_are_named() -> None:
    assert structures.output_names(Slot(0)) == ("output_0",)
    assert structures.output_names((Slot(0), Slot(1))) == ("output_0", "output_1")
    assert structures.output_names({"b": Slot(1), "a": Slot(0)}) == ("b", "a")
    for nested in ({"a": [Slot(0)]}, {1: Slot(0)}, [Slot(0), None], None, 3):
        assert structures.output_names(nested) is None


def test_structures_are_shown_as_python_writes_them() -> None:
    structure = {"y": (Slot(0),), "z": [Slot(1), None, 2.5]}
    assert structures.shown(structure, lambda number: f"%{number}") == "{'y': (%0,), 'z': [%1, None, 2.5]}"
