"""Which kernel runs a call, and why not the others."""

from __future__ import annotations

import threading
import warnings
from typing import Any

import pytest

from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols import selection
from dovetail_protocols.errors import KernelError, PluginError, PluginWarning, ShapeError
from dovetail_protocols.kernels import KernelSpec
from dovetail_protocols.metas import Device, TensorMeta
from dovetail_protocols.plugins import quarantined, refresh, use

from .conftest import Site

X = TensorMeta((2, 2), dt.float32)
FLOAT32 = {"T": frozenset({"float32"})}


def spec(package: str, **changes: Any) -> KernelSpec:
    """A declaration for matmul by a package's `take`."""
    settings: dict[str, Any] = {"id": "mm", "operation": "dovetail::matmul", "implementation": f"{package}_module:take"}
    return KernelSpec(**settings | changes)


def chosen(operation: Any = ops.matmul, *metas: TensorMeta) -> str | None:
    """The name of the package that runs a call."""
    found = selection.select(operation, metas or (X, X), {})
    return None if found.chosen is None else found.chosen.package


def reasons(*metas: TensorMeta) -> dict[str, str | None]:
    """Package → why its kernel was not chosen for a matrix product."""
    decisions = selection.select(ops.matmul, metas or (X, X), {}).decisions
    return {decision.candidate.package: decision.reason for decision in decisions}


# ---------------------------------------------------------------------- order


def test_higher_priority_comes_first(site: Site) -> None:
    site.kernels("acme", spec("acme", priority=40))
    site.kernels("beta", spec("beta", priority=60))
    site.kernels("numpy", spec("numpy", priority=0))
    assert [one.package for one in selection.candidates(ops.matmul, "cpu")] == ["beta", "acme", "numpy"]
    assert chosen() == "beta"
    assert reasons() == {"beta": None}, "those behind the one that was chosen are not looked at"


def test_of_equal_priority_the_narrower_declaration_then_the_distributions_name(site: Site) -> None:
    wide = {"T": frozenset({"float32", "float64"})}
    site.kernels("a", spec("a", dtypes=wide), distribution="a")
    site.kernels("b", spec("b", dtypes=FLOAT32), distribution="z")
    site.kernels("c", spec("c", dtypes=FLOAT32), distribution="y")
    site.kernels("d", spec("d"), distribution="x")
    assert [one.package for one in selection.candidates(ops.matmul, "cpu")] == ["c", "b", "a", "d"]


def test_a_tie_is_told_once_with_both_names_and_the_pin(site: Site) -> None:
    site.kernels("acme", spec("acme"))
    site.kernels("beta", spec("beta"))
    with pytest.warns(PluginWarning, match="kernels acme/mm and beta/mm both take matmul with priority 50") as caught:
        assert chosen() == "acme"
    assert "effect: acme/mm is used" in str(caught[0].message)
    assert "fix: pin one of them, DOVETAIL_KERNELS=acme or DOVETAIL_KERNELS=beta" in str(caught[0].message)
    assert chosen() == "acme"  # told once: warnings are errors in these tests
    refresh()
    for pin in ("acme", "beta"):
        with use(pin):
            assert chosen() == pin
    with use("-beta"):
        assert chosen() == "acme"


def test_kernels_that_do_not_both_take_the_call_are_no_tie(site: Site) -> None:
    site.kernels("acme", spec("acme", dtypes=FLOAT32))
    site.kernels("beta", spec("beta", dtypes={"T": frozenset({"float64"})}))
    assert chosen() == "acme"


def test_the_users_policy_comes_before_priority(site: Site) -> None:
    site.kernels("acme", spec("acme", priority=90))
    site.kernels("beta", spec("beta", priority=10))
    site.kernels("gamma", spec("gamma", priority=5))
    with use("beta"):
        assert chosen() == "beta"
        with use("gamma"):
            assert [one.package for one in selection.candidates(ops.matmul, "cpu")] == ["gamma", "beta", "acme"]
    with use("-acme"):
        assert reasons() == {"acme": "excluded by the user", "beta": None}
    with use("gamma", only=True):
        assert chosen() == "gamma"
    with use("gamma", "-gamma", only=True):
        assert reasons() == {
            "gamma": "excluded by the user",
            "acme": "only gamma allowed by the user",
            "beta": "only gamma allowed by the user",
        }


# ---------------------------------------------------------------------- reasons


def test_every_no_has_its_reason(site: Site) -> None:
    site.kernels("a", spec("a", priority=90, operation_versions=(2, 3)))
    site.kernels("b", spec("b", priority=80, dtypes={"T": frozenset({"float64"})}))
    site.kernels("c", spec("c", priority=70, implementation="c_module:refuse"))
    site.kernels("d", spec("d", priority=60), probe="Unsupported('no such chip')")
    site.kernels("e", spec("e", priority=55, device="acme"))
    site.kernels("numpy", spec("numpy", priority=0))
    assert reasons() == {
        "a": "speaks versions 2 to 3 of the operation, this is 1",
        "b": "dtype float32 not declared",
        "c": "only on Sundays",
        "d": "no such chip",
        "numpy": None,
    }
    assert selection.explain(ops.matmul, (X, X), {}).splitlines() == [
        "matmul(float32[2,2], float32[2,2])",
        "  a/mm (priority 90): no: speaks versions 2 to 3 of the operation, this is 1",
        "  b/mm (priority 80): no: dtype float32 not declared",
        "  c/mm (priority 70): no: only on Sundays",
        "  d/mm (priority 60): no: no such chip",
        "  numpy/mm (priority 0): used",
    ]


def test_kernels_are_chosen_for_the_device_of_the_operands(site: Site) -> None:
    site.kernels("here", spec("here"))
    site.kernels("there", spec("there", device="acme"))
    away = TensorMeta((2, 2), dt.float32, Device("acme"))
    assert chosen(ops.matmul, away, away) == "there"
    assert chosen() == "here"


def test_what_nothing_can_run_is_said_with_all_that_was_tried(site: Site) -> None:
    site.kernels("acme", spec("acme", dtypes={"T": frozenset({"float64"})}))
    found = selection.select(ops.matmul, (X, X), {})
    assert found.kernel is found.chosen is None
    error = selection.not_found(ops.matmul, (X, X), found)
    assert error.what == "no kernel for matmul(float32[2,2], float32[2,2]) on 'cpu'"
    assert error.cause == "tried: acme/mm: dtype float32 not declared"
    assert "pip install dovetail-kernels-numpy" in str(error.fix)
    assert "nothing can run it" in selection.explain(ops.matmul, (X, X), {})
    with use("-acme"):
        refused = selection.not_found(ops.matmul, (X, X), selection.select(ops.matmul, (X, X), {}))
    assert refused.fix == "allow a package again that use(...) or DOVETAIL_KERNELS leaves out"
    none = selection.not_found(ops.tanh, (X,), selection.select(ops.tanh, (X,), {}))
    assert none.cause == ("no installed kernel package declares tanh for device 'cpu': acme has no kernel for it")


def test_without_kernel_a_composite_is_decomposed(site: Site) -> None:
    assert selection.explain(ops.square, (X,), {}).splitlines()[-1] == "  decomposition: used"


def test_a_call_that_infer_refuses_is_refused_before_anything_is_chosen(site: Site) -> None:
    with pytest.raises(ShapeError):
        selection.select(ops.matmul, (X, TensorMeta((3, 3), dt.float32)), {})


def test_the_implementation_sees_the_whole_call(site: Site) -> None:
    body = "SEEN = []\ndef look(call):\n    SEEN.append(call)\n    return Unsupported('looked')\n"
    site.kernels("acme", spec("acme", implementation="acme_module:look"), body=body)
    assert reasons() == {"acme": "looked"}
    import acme_module  # type: ignore[import-not-found] # made by this test

    (call,) = acme_module.SEEN
    assert (call.operation, call.operands, call.results) == (ops.matmul, (X, X), (X,))
    assert call.attributes == {}


def test_an_outcome_holds_for_all_shapes_only_when_nobody_looked_at_them(site: Site) -> None:
    site.kernels("numpy", spec("numpy", priority=0, binding="per_dtype"))
    assert selection.select(ops.matmul, (X, X), {}).is_per_dtype
    site.kernels("acme", spec("acme", implementation="acme_module:refuse"))
    refresh()
    assert not selection.select(ops.matmul, (X, X), {}).is_per_dtype


# ---------------------------------------------------------------------- what is broken


@pytest.mark.parametrize(
    ("body", "implementation", "cause"),
    [
        ("def bad(call):\n    raise OSError('no such symbol')", "acme_module:bad", "OSError: no such symbol"),
        ("def bad(call):\n    raise SystemExit(3)", "acme_module:bad", "SystemExit: 3"),
        ("def bad(call):\n    return None", "acme_module:bad", "acme_module:bad gave None, neither a kernel nor Unsup"),
        ("", "acme_module:gone", "has no attribute 'gone'"),
        ("", "acme_gone:bad", "No module named 'acme_gone'"),
    ],
)
def test_an_implementation_that_fails_is_set_aside_alone(
    site: Site, body: str, implementation: str, cause: str
) -> None:
    site.kernels("acme", spec("acme", id="bad", implementation=implementation, priority=90), spec("acme"), body=body)
    with pytest.warns(PluginWarning, match="kernel acme/bad could not be bound") as caught:
        found = selection.select(ops.matmul, (X, X), {})
    assert found.chosen is not None
    assert found.chosen.spec.id == "mm"
    assert caught[0].filename == __file__  # where the program needed it
    message = str(caught[0].message)
    assert cause in message
    assert "effect: it is not used in this process" in message
    command = "conformance" if "def bad" in body else "doctor"  # what shows the traceback
    fix = f"fix: reinstall acme-kernels, or set DOVETAIL_KERNELS=-acme; details: dovetail {command} acme"
    assert fix in message
    again = selection.select(ops.matmul, (X, X), {})  # told once
    assert str(again.decisions[0].reason).startswith("broken: ")


def test_a_kernel_that_raised_is_named_with_the_way_to_compare(site: Site) -> None:
    site.kernels("acme", spec("acme"))
    found = selection.select(ops.matmul, (X, X), {})
    error = selection.kernel_failure(found.chosen, "matmul(float32[2,2], float32[2,2])", OSError("bus error"))
    assert isinstance(error, KernelError)
    assert str(error).splitlines() == [
        "kernel acme/mm failed for matmul(float32[2,2], float32[2,2])",
        "  cause: OSError: bus error",
        "  effect: no other kernel was tried in its place",
        "  fix: rerun with DOVETAIL_KERNELS=-acme to compare",
    ]


def test_a_broken_package_leaves_its_siblings_and_is_told_once(site: Site) -> None:
    site.kernels("acme", body="raise ImportError('libacme.so.2: cannot open shared object file')", version="0.3.1")
    site.kernels("beta", spec("beta"))
    with pytest.warns(PluginWarning) as caught:
        assert chosen() == "beta"
    assert len(caught) == 1
    assert str(caught[0].message).splitlines() == [
        "plug-in 'acme' (acme-kernels 0.3.1) could not be imported",
        "  cause: ImportError: libacme.so.2: cannot open shared object file",
        "  effect: its kernels are not used in this process.",
        "  fix: reinstall acme-kernels, or set DOVETAIL_KERNELS=-acme; details: dovetail doctor acme",
    ]
    selection.forget()
    assert chosen() == "beta"
    with pytest.raises(PluginError, match="could not be imported") as raised:
        selection.require_package("acme")
    assert raised.value.effect == "you asked for 'acme', so nothing was put in its place."
    assert isinstance(raised.value.__cause__, ImportError)


@pytest.mark.parametrize(
    ("protocol", "what", "fix"),
    [
        ((3, 0), "offers kernel protocol 3; this Dovetail speaks 1", "pip install -U dovetail-protocols, or an older "),
        ((0, 9), "offers kernel protocol 0; this Dovetail speaks 1", "pip install -U acme-kernels"),
    ],
)
def test_another_protocol_is_left_out_and_raises_when_named(site: Site, protocol: Any, what: str, fix: str) -> None:
    site.kernels("acme", spec("acme"), protocol=protocol)
    site.kernels("beta", spec("beta"))
    with pytest.warns(PluginWarning, match=what) as caught:
        assert chosen() == "beta"
    assert f"fix: {fix}" in str(caught[0].message)
    with pytest.raises(PluginError, match=what) as raised, use("acme"):
        pytest.fail("the body must not run")
    assert raised.value.effect == "you asked for 'acme', so nothing was put in its place."


def test_a_newer_minor_of_the_same_protocol_is_welcome(site: Site) -> None:
    site.kernels("acme", spec("acme"), protocol=(1, 7))
    assert chosen() == "acme"


@pytest.mark.parametrize(
    ("settings", "cause"),
    [
        ({"protocol": 1}, "protocol = 1, which is no (major, minor)"),
        ({"probe": "1 / 0"}, "ZeroDivisionError"),
        ({"operations": "[int]"}, "offers <class 'int'> as an operation"),
    ],
)
def test_a_package_that_says_nonsense_is_set_aside(site: Site, settings: dict[str, Any], cause: str) -> None:
    site.kernels("acme", spec("acme"), **settings)
    with pytest.warns(PluginWarning) as caught:
        assert chosen() is None
    assert cause in str(caught[0].message)
    with pytest.raises(PluginError):
        selection.require_package("acme")


def test_a_package_without_its_hardware_says_so_when_named(site: Site) -> None:
    site.kernels("acme", spec("acme"), probe="Unsupported('needs AVX-512')")
    with pytest.raises(PluginError, match=r"kernel package 'acme' \(acme-kernels 1.0\) can't be used here") as caught:
        selection.require_package("acme")
    assert caught.value.cause == "needs AVX-512"


def test_a_name_that_two_distributions_claim_raises_when_named(site: Site) -> None:
    site.kernels("acme", spec("acme"))
    site.install("other", "2.0", "[dovetail.kernels.v1]\nacme = elsewhere:PACKAGE")
    with pytest.warns(PluginWarning):
        assert chosen() is None
    with pytest.raises(PluginError, match=r"declared twice in dovetail.kernels.v1, by acme-kernels 1.0 and other 2.0"):
        selection.require_package("acme")


def test_warnings_as_errors_leave_nothing_half_done(site: Site) -> None:
    site.kernels("acme", body="raise ImportError('broken')")
    site.kernels("beta", spec("beta"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(PluginWarning):
            chosen()
    assert chosen() == "beta"


def test_those_who_remember_choices_are_told_when_they_become_void(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "_listeners", [])
    told = []
    selection.on_forget(lambda: told.append(1))
    refresh()
    assert told == [1]


def test_threads_describe_each_package_once(site: Site) -> None:
    body = "from pathlib import Path\nwith open(Path(__file__).with_suffix('.log'), 'a') as log:\n    log.write('x')\n"
    site.kernels("acme", spec("acme"), body=body)
    results: list[str | None] = []
    threads = [threading.Thread(target=lambda: results.append(chosen())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == ["acme"] * 8
    assert (site.folder / "acme_module.log").read_text() == "x"
    assert quarantined() == {}
