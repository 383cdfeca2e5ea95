"""Records: frozen values with slots."""

from __future__ import annotations

import copy
import pickle

import pytest

from dovetail_protocols.records import record, replace


@record
class Point:
    x: int
    y: int = 0


@record
class Distance:
    """A record with a rule, a property and its own repr."""

    meters: float
    unit: str = "m"

    def __post_init__(self) -> None:
        if self.meters < 0:
            raise ValueError(f"{self.meters} m is no distance")

    @property
    def kilometers(self) -> float:
        return self.meters / 1000

    def __repr__(self) -> str:
        return f"{self.meters}{self.unit}"


@record
class ByName:
    """Equal by name only."""

    name: str
    note: str = ""

    def __eq__(self, other: object) -> bool:
        return type(other) is ByName and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)


@record
class Nothing:
    pass


def test_fields_are_positional_or_by_keyword_with_defaults() -> None:
    assert (Point(1).x, Point(1).y) == (1, 0)
    assert Point(1, 2) == Point(y=2, x=1)
    assert repr(Point(1, 2)) == "Point(x=1, y=2)"
    assert repr(Nothing()) == "Nothing()"


def test_missing_surplus_and_unknown_fields_are_refused_by_name() -> None:
    with pytest.raises(TypeError, match=r"Point.__init__\(\) missing 1 required positional argument: 'x'"):
        Point()  # type: ignore[call-arg] # what is tested
    with pytest.raises(TypeError, match="takes from 2 to 3 positional arguments but 4 were given"):
        Point(1, 2, 3)  # type: ignore[call-arg] # what is tested
    with pytest.raises(TypeError, match="unexpected keyword argument 'z'"):
        Point(1, z=2)  # type: ignore[call-arg] # what is tested


def test_assigning_and_deleting_are_refused_and_change_nothing() -> None:
    point = Point(1, 2)
    with pytest.raises(AttributeError, match=r"Point is immutable: cannot set 'x'; use .replace\(x=...\)"):
        point.x = 3  # type: ignore[misc] # what is tested
    with pytest.raises(AttributeError, match="Point is immutable: cannot delete 'x'"):
        del point.x
    with pytest.raises(AttributeError, match="immutable"):
        point.z = 3  # type: ignore[attr-defined] # what is tested
    assert point == Point(1, 2)


def test_records_have_slots_and_no_dictionary() -> None:
    assert Point.__slots__ == ("x", "y")  # type: ignore[attr-defined] # made by the decorator
    assert not hasattr(Point(1), "__dict__")


def test_replace_gives_another_record_and_keeps_the_first() -> None:
    point = Point(1, 2)
    assert replace(point, y=5) == Point(1, 5)
    assert point == Point(1, 2)
    with pytest.raises(TypeError, match="'z'"):
        replace(point, z=1)


def test_equality_and_hash_are_those_of_the_fields_and_the_class() -> None:
    assert Point(1, 2) == Point(1, 2)
    assert hash(Point(1, 2)) == hash(Point(1, 2))
    assert Point(1, 2) != Point(2, 1)
    assert Point(1, 2) != (1, 2)
    assert len({Point(1), Point(1, 0), Point(2)}) == 2
    with pytest.raises(TypeError, match="unhashable"):
        hash(Point([]))  # type: ignore[arg-type] # what is tested


def test_methods_that_the_class_defines_are_kept() -> None:
    assert repr(Distance(5.0)) == "5.0m"
    assert ByName("a", "first") == ByName("a", "second")
    assert hash(ByName("a", "first")) == hash(ByName("a"))


def test_post_init_validates_at_construction_and_at_replacement() -> None:
    assert Distance(1500.0).kilometers == 1.5
    with pytest.raises(ValueError, match=r"-1.0 m is no distance"):
        Distance(-1.0)
    with pytest.raises(ValueError, match=r"-2.0 m is no distance"):
        replace(Distance(1.0), meters=-2.0)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_records_survive_pickling_and_copying(protocol: int) -> None:
    for value in (Point(1, 2), Distance(3.0, "yd"), Nothing()):
        assert pickle.loads(pickle.dumps(value, protocol)) == value
        assert copy.deepcopy(value) == value
        assert copy.copy(value) == value


def test_records_match_by_position() -> None:
    match Point(1, 2):
        case Point(1, y):
            assert y == 2
        case _:
            pytest.fail("Point(1, 2) is a Point(1, y)")
