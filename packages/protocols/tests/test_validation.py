"""What a kernel package says of itself, checked: the sound is kept, the rest named with what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from dovetail_protocols import dtypes as dt
from dovetail_protocols import selection
from dovetail_protocols.errors import PluginWarning, UnknownOperationError
from dovetail_protocols.kernels import KernelSpec
from dovetail_protocols.registry import find_operation

from .conftest import Site

NEW_OPERATION = """
from dovetail_protocols.operation import Operation, primitive

def declare(name):
    def rule(x, /):
        return x
    rule.__annotations__ = {"x": "Numeric"}
    rule.__name__ = name
    return primitive(version=1, namespace="acme")(rule)
"""


def spec(**changes: Any) -> KernelSpec:
    settings: dict[str, Any] = {"id": "mm", "operation": "dovetail::matmul", "implementation": "acme_module:take"}
    return KernelSpec(**settings | changes)


ALL_DTYPES = ", ".join(sorted(known.name for known in dt.ALL))


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (spec(dtypes={"T": frozenset({"float31"})}), f"dtypes['T'] has 'float31'; known: {ALL_DTYPES}"),
        (spec(dtypes={"Q": frozenset({"int8"})}), "dtypes has the type variable 'Q'; known: *, B, I, L, M, R, S, T, V"),
        (spec(dtypes=["float32"]), "can't be read: AttributeError: 'list' object has no attribute 'items'"),
        (spec(layouts=frozenset({"tiled"})), "layouts ['tiled']; known: contiguous, strided"),
        (spec(layouts=frozenset()), "layouts []; known: contiguous, strided"),
        (spec(binding="per_moon"), "binding 'per_moon'; known: per_dtype, per_shape"),
        (spec(implementation="acme.take"), "implementation 'acme.take' is not of the form 'module:attribute'"),
        (spec(operation="matmul"), "operation 'matmul' is not of the form 'namespace::name'"),
        (spec(priority=101), "priority 101 is not within 0 to 100"),
        (spec(priority=-1), "priority -1 is not within 0 to 100"),
        (spec(operation_versions=(2, 1)), "operation_versions (2, 1) is not (first, last)"),
        (spec(operation_versions=1), "can't be read: TypeError: cannot unpack non-iterable int object"),
        (spec(id=""), "id '' is not a name"),
        (spec(id="good"), "id 'good' is used twice"),
    ],
)
def test_a_malformed_spec_is_dropped_alone_and_told(site: Site, wrong: KernelSpec, problem: str) -> None:
    site.kernels("acme", spec(id="good"), wrong, spec(id="last"), version="0.3.1")
    with pytest.warns(PluginWarning) as caught:
        kept = selection.packages()["acme"].specs
    assert [one.id for one in kept] == ["good", "last"]
    assert len(caught) == 1
    assert str(caught[0].message).splitlines() == [
        f"plug-in 'acme' (acme-kernels 0.3.1) spec {wrong.id!r}: {problem}",
        "  effect: spec ignored",
        "  fix: report it to the authors of 'acme'",
    ]


def test_what_is_no_spec_at_all_is_dropped_by_its_type(site: Site) -> None:
    site.kernels("acme", spec(), "{'id': 'mm'}")
    with pytest.warns(PluginWarning, match="is a dict, not a KernelSpec"):
        assert len(selection.packages()["acme"].specs) == 1


def test_what_lacks_the_members_of_a_package_is_none(site: Site) -> None:
    site.install(
        "acme", "1.0", "[dovetail.kernels.v1]\nacme = acme_module:PACKAGE", {"acme_module": "PACKAGE = object()"}
    )
    with pytest.warns(PluginWarning, match=r"plug-in 'acme' \(acme 1.0\) is no kernel package") as caught:
        assert selection.packages() == {}
    assert "cause: acme_module:PACKAGE lacks protocol, kernels, operations, probe" in str(caught[0].message)


def test_new_operations_are_known_once_the_package_is_described(site: Site) -> None:
    site.kernels("acme", body=NEW_OPERATION + "weigh = declare('weigh')\n", operations="(weigh,)")
    assert find_operation("acme::weigh").short_name == "weigh"
    assert [one.name for one in selection.packages()["acme"].operations] == ["acme::weigh"]


def test_operations_of_a_package_that_offers_nonsense_beside_them_stay_unknown(site: Site) -> None:
    body = NEW_OPERATION + (
        "from dovetail_protocols.registry import unregister_operation\n"
        "weigh = declare('weigh')\nunregister_operation(weigh)\n"
    )
    site.kernels("acme", body=body, operations="(weigh, 'nonsense')")
    with pytest.warns(PluginWarning, match="offers 'nonsense' as an operation"):
        assert selection.packages() == {}
    with pytest.raises(UnknownOperationError):
        find_operation("acme::weigh")


def test_the_standards_namespace_is_not_for_packages(site: Site) -> None:
    body = NEW_OPERATION + "from dovetail_protocols.operations import tanh\n"
    site.kernels("acme", body=body, operations="(tanh,)")
    with pytest.warns(PluginWarning, match="in a namespace of its own"):
        assert selection.packages() == {}
