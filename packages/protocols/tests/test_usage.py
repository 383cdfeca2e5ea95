"""The counters of what served which operation."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from dovetail_protocols import selection, usage
from dovetail_protocols.dtypes import float16, float32
from dovetail_protocols.kernels import KernelSpec
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.operations import softmax, tanh
from dovetail_protocols.plugins import use
from dovetail_protocols.usage import Use, count, count_selection, fallbacks, uses

from .conftest import Site

FAST = KernelSpec(
    id="fast", operation="dovetail::tanh", implementation="acme_module:take", dtypes={"T": frozenset({"float32"})}
)
SLOW = KernelSpec(id="slow", operation="dovetail::tanh", implementation="acme_module:take", priority=0)


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    usage.forget()
    yield
    usage.forget()


def test_a_selection_counts_for_the_kernel_that_was_chosen_and_says_what_was_passed_over(site: Site) -> None:
    site.kernels("acme", FAST, SLOW)
    for dtype in (float32, float32, float16):
        count_selection("dovetail::tanh", selection.select(tanh, (TensorMeta((2,), dtype),), {}))
    fallback = Use("dovetail::tanh", "acme/slow", ("acme/fast: dtype float16 not declared",))
    assert uses() == {Use("dovetail::tanh", "acme/fast"): 2, fallback: 1}
    assert fallbacks() == {fallback: 1}


def test_what_the_user_excludes_is_no_fallback(site: Site) -> None:
    site.kernels("acme", FAST)
    site.kernels(
        "beta", KernelSpec(id="slow", operation="dovetail::tanh", implementation="beta_module:take", priority=0)
    )
    assert set(selection.packages()) == {"acme", "beta"}
    with use("-acme"):
        count_selection("dovetail::tanh", selection.select(tanh, (TensorMeta((2,), float32),), {}))
    assert uses() == {Use("dovetail::tanh", "beta/slow"): 1}


def test_a_composite_without_kernel_counts_as_decomposed(site: Site) -> None:
    chosen = selection.select(softmax, (TensorMeta((2,), float32),), {"axis": -1})
    count_selection("dovetail::softmax", chosen, ["llvm: too small"])
    assert uses() == {Use("dovetail::softmax", "decomposition", ("llvm: too small",)): 1}


def test_reasons_that_vary_without_end_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "LIMIT", 2)
    for size in range(5):
        count("dovetail::tanh", "acme/slow", [f"acme/fast: takes no {size} elements"])
    assert sum(uses().values()) == 5
    assert uses()[Use("dovetail::tanh", "acme/slow", ("other reasons",))] == 3


def test_threads_count_together() -> None:
    threads = [threading.Thread(target=lambda: [count("a", "b") for _ in range(1000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert uses() == {Use("a", "b"): 4000}


def test_refresh_begins_anew(site: Site) -> None:
    count("a", "b")
    selection.forget()
    assert uses() == {}
