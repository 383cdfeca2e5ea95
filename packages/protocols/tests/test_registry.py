"""The operations that are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dovetail_protocols import operations as ops
from dovetail_protocols import registry
from dovetail_protocols.errors import InvalidNameError, UnknownOperationError
from dovetail_protocols.operation import Operation, primitive
from dovetail_protocols.registry import all_operations, find_operation, register_operations

if TYPE_CHECKING:
    from dovetail_protocols.operations.annotations import Numeric


@pytest.fixture(autouse=True)
def _registry_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    all_operations()
    monkeypatch.setattr(registry, "_operations", dict(registry._operations))


def declare(name: str, version: int) -> Operation:
    def body(x: Numeric, /) -> Numeric:
        return x

    body.__name__ = name
    return primitive(version=version, namespace="acme")(body)


def unregistered(name: str) -> Operation:
    made = declare(name, 1)
    registry.unregister_operation(made)
    return made


def test_names_without_namespace_are_the_standards() -> None:
    assert find_operation("matmul") is find_operation("dovetail::matmul") is ops.matmul


def test_newest_version_is_found_unless_one_is_asked_for() -> None:
    first, third = declare("weigh", 1), declare("weigh", 3)
    assert find_operation("acme::weigh") is third
    assert find_operation("acme::weigh", 1) is first
    with pytest.raises(UnknownOperationError, match="unknown operation acme::weigh version 2") as caught:
        find_operation("acme::weigh", 2)
    assert caught.value.expected == "version 1, 3"


def test_same_name_and_version_twice_is_refused_and_the_first_stays() -> None:
    first = declare("weigh", 1)
    with pytest.raises(InvalidNameError, match="operation acme::weigh version 1 is registered already") as caught:
        declare("weigh", 1)
    assert caught.value.fix == "use a namespace of your own (acme::name), or a new version"
    assert find_operation("acme::weigh") is first


def test_unknown_names_come_with_near_ones() -> None:
    with pytest.raises(UnknownOperationError, match="unknown operation dovetail::mattmul") as caught:
        find_operation("mattmul")
    assert "dovetail::matmul" in str(caught.value.fix)
    with pytest.raises(UnknownOperationError) as caught:
        find_operation("zzz::qqqqqqqqqqqq")
    assert caught.value.fix == "install the package that brings it"


def test_several_are_registered_all_or_none() -> None:
    taken = declare("taken", 1)
    new, clash = unregistered("fresh"), unregistered("other")
    other = declare("other", 1)
    with pytest.raises(InvalidNameError, match="acme::other"):
        register_operations((new, clash))
    with pytest.raises(UnknownOperationError):
        find_operation("acme::fresh")
    register_operations((taken, new, other))
    assert find_operation("acme::fresh") is new


def test_all_are_sorted_by_name_and_version() -> None:
    declare("weigh", 2)
    declare("weigh", 1)
    listed = [(operation.name, operation.version) for operation in all_operations()]
    assert listed == sorted(listed)
    assert listed[:2] == [("acme::weigh", 1), ("acme::weigh", 2)]
