"""Times are taken of what agrees, beside the machine; nothing here asserts how long anything takes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dovetail_conformance import array, case
from dovetail_conformance.calls import trials_of
from dovetail_conformance.checks import speed
from dovetail_conformance.speed import (
    MachineSpeed,
    as_json,
    beside,
    bytes_text,
    call_of_shapes,
    compare,
    default_shapes,
    line,
    rate_text,
    seconds_text,
    time_together,
    work_of,
)
from dovetail_conformance.speed import comparison as comparison_module
from dovetail_conformance.speed import competitors as competitors_module
from dovetail_conformance.speed.competitors import Competitor
from dovetail_protocols import operations as ops
from dovetail_protocols import selection
from dovetail_protocols.errors import AttributeValueError, DTypeError, ShapeError


@pytest.fixture(scope="module")
def machine() -> MachineSpeed:
    """A machine whose speed is known, so that none is measured."""
    return MachineSpeed(
        quick=True, copies={1 << power: 2e9 for power in range(12, 29)}, products={"float32": 1e9, "float64": 5e8}
    )


def test_work_counts_each_operand_and_result_once_and_two_operations_for_each_product() -> None:
    call = call_of_shapes(ops.matmul, ((3, 4, 5), (5, 6)), "float64", {})
    work = work_of(call.meta)
    assert work.size_bytes == 8 * (3 * 4 * 5 + 5 * 6 + 3 * 4 * 6)
    assert work.operations == 2 * 3 * 4 * 6 * 5


def test_work_of_convolution_and_attention_counts_what_their_definitions_multiply() -> None:
    conv = call_of_shapes(ops.conv, ((2, 8, 8, 4), (3, 3, 4, 16)), "float32", {"padding": ((1, 1), (1, 1))})
    assert work_of(conv.meta).operations == 2 * (2 * 8 * 8 * 16) * (3 * 3 * 4)
    attention = call_of_shapes(ops.scaled_dot_product_attention, ((7, 10, 4), (7, 20, 4), (7, 20, 6)), "float32", {})
    assert work_of(attention.meta).operations == 7 * (2 * 10 * 20 * 4 + 2 * 10 * 20 * 6)
    assert work_of(call_of_shapes(ops.tanh, ((9,),), "float32", {}).meta).operations is None


def test_machine_bounds_a_call_by_its_bytes_or_its_arithmetic(machine: MachineSpeed) -> None:
    small = call_of_shapes(ops.tanh, ((1000,),), "float32", {})
    times = machine.times_of(work_of(small.meta), np.dtype("float32"))
    assert times.copying == pytest.approx(8000 / 2e9)
    assert times.arithmetic is None
    assert times.bound == times.copying
    product = call_of_shapes(ops.matmul, ((64, 64), (64, 64)), "float32", {})
    times = machine.times_of(work_of(product.meta), np.dtype("float32"))
    assert times.bound == times.arithmetic == pytest.approx(2 * 64**3 / 1e9)


def test_machine_measures_each_size_class_once() -> None:
    measured = MachineSpeed(quick=True)
    rates = {measured.bytes_per_second(size) for size in (5000, 8000, 8192)}
    assert len(rates) == 1
    assert list(measured.copies) == [8192]


def test_refined_machine_keeps_the_faster_of_what_was_measured() -> None:
    machine = MachineSpeed(quick=True, copies={4096: 1.0, 8192: 1e30}, products={"float32": 1.0})
    machine.refine()
    assert machine.copies[4096] > 1e3
    assert machine.copies[8192] == 1e30
    assert machine.products["float32"] > 1e3
    compared = compare(call_of_shapes(ops.softmax, ((4, 8),), "float32", {}), "numpy", machine, quick=True)
    machine.copies[4096] = 1e30
    assert beside(compared, machine).machine.copying == pytest.approx(256 / 1e30)


def test_functions_timed_together_take_turns_with_their_alternatives() -> None:
    called: list[str] = []
    timings = time_together(
        {"one": [lambda: called.append("a"), lambda: called.append("b")], "other": [lambda: called.append("c")]},
        quick=True,
    )
    assert set(called) == {"a", "b", "c"}
    for timing in timings.values():
        assert 0 < timing.lower <= timing.median <= timing.upper
        assert timing.rounds >= 3


def test_default_shapes_grow_beyond_the_caches_and_quick_leaves_out_the_larger_half() -> None:
    lengths = [shapes[0] for shapes in default_shapes(ops.add, "float32", {})]
    assert lengths == sorted(lengths)
    assert 3 * 4 * lengths[-1][0] > 64 << 20  # type: ignore[index] # each operand is there
    quick = default_shapes(ops.add, "float32", {}, quick=True)
    assert quick == [((256,), (256,)), ((4096,), (4096,)), ((65536,), (65536,))]


def test_default_shapes_fall_back_on_matrices_where_lengths_do_not_fit() -> None:
    assert default_shapes(ops.tril, "float32", {}, quick=True)[0] == ((4, 256),)
    assert default_shapes(ops.conv, "float32", {}, quick=True)[0] == ((8, 8, 8, 8), (3, 3, 8, 8))


def test_operands_of_calls_come_from_the_ranges_where_the_operation_is_defined() -> None:
    (values,) = call_of_shapes(ops.acosh, ((1000,),), "float32", {}).inputs
    assert values is not None
    assert values.min() >= 1


def test_operation_without_default_shapes_says_how_to_give_them() -> None:
    with pytest.raises(AttributeValueError, match="--shapes"):
        default_shapes(ops.cross, "float32", {})


def test_dtype_that_the_operation_lacks_is_refused_and_so_are_shapes_that_do_not_fit() -> None:
    with pytest.raises(DTypeError, match="float32"):
        default_shapes(ops.bitwise_and, "float32", {})
    with pytest.raises(ShapeError):
        call_of_shapes(ops.matmul, ((3, 4), (5, 6)), "float32", {})


def test_comparison_names_who_ran_beside_the_machine(machine: MachineSpeed) -> None:
    compared = compare(call_of_shapes(ops.softmax, ((4, 8),), "float32", {}), "numpy", machine, quick=True)
    assert set(compared.timings) >= {"numpy", "decomposition"}
    assert compared.faults == {}
    plain = as_json(compared)
    assert plain["bytes"] == 2 * 4 * 8 * 4
    assert plain["seconds"]["numpy"]["median"] > 0
    assert line(plain).startswith("4×8: numpy ")


def test_kernels_that_are_wrong_or_raise_are_named_and_not_timed(
    machine: MachineSpeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dividing(x: object) -> object:
        raise ZeroDivisionError("by zero")

    given = [
        Competitor("wrong", lambda x: np.tanh(x) * np.float32(1.01)),
        Competitor("raising", dividing),
        Competitor("unwilling", None, "too small"),
        Competitor("numpy", np.tanh),
        Competitor("slow", np.tanh),
    ]
    monkeypatch.setattr(comparison_module, "competitors_for", lambda call, package: given)
    call = call_of_shapes(ops.tanh, ((50,),), "float32", {})
    compared = compare(call, "wrong", machine, left_out={"slow": "took long"}, quick=True)
    assert set(compared.timings) == {"numpy"}
    assert compared.faults["wrong"].startswith("disagrees with numpy: result 0: ")
    assert compared.faults["raising"] == "raised ZeroDivisionError: by zero"
    assert compared.refusals == {"unwilling": "too small", "slow": "took long"}


def test_numbers_are_written_with_three_digits_and_a_unit() -> None:
    assert [seconds_text(seconds) for seconds in (2e-9, 1.234e-6, 0.25, 3.0)] == ["2 ns", "1.23 µs", "250 ms", "3 s"]
    assert [bytes_text(size) for size in (100, 2048, 3 << 20)] == ["100 B", "2 KiB", "3 MiB"]
    assert rate_text(12.34e9, "B/s") == "12.3 GB/s"


def test_competitor_that_takes_long_is_left_out_and_the_package_itself_is_not(
    machine: MachineSpeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison_module, "LONGEST_SECONDS", 0.0)
    call = call_of_shapes(ops.softmax, ((4, 8),), "float32", {})
    compared = compare(call, "numpy", machine, quick=True)
    assert set(compared.timings) == {"numpy"}
    assert compared.refusals["decomposition"].startswith("left out: a call took ")


def test_level_6_times_the_largest_case_of_an_operation_without_default_shapes(
    monkeypatch: pytest.MonkeyPatch, machine: MachineSpeed
) -> None:
    monkeypatch.setattr(speed, "MACHINE", machine)
    package = selection.require_package("numpy")
    spec = next(spec for spec in package.specs if spec.operation == "dovetail::max_pool")
    trials = trials_of(
        spec, ops.max_pool, [case(array(2, 4, 1), window=2), case(array(5, 4, 1), name="more", window=2)]
    )
    measured = speed.report(next(trial for trial in trials if trial.dtype == "float32"), "numpy")
    assert not isinstance(measured, str)
    assert measured["label"] == "5×4×1"
    assert measured["seconds"]["numpy"]["median"] > 0


def test_level_6_says_why_it_times_nothing() -> None:
    package = selection.require_package("numpy")
    spec = next(spec for spec in package.specs if spec.operation == "dovetail::max_pool")
    other = replace(next(iter(trials_of(spec, ops.max_pool, []))), variable="S")
    assert "not by those of S" in str(speed.report(other, "numpy"))
    assert "is missing window" in str(speed.report(next(iter(trials_of(spec, ops.max_pool, []))), "numpy"))


def test_competitor_of_another_device_is_timed_on_buffers_there_and_awaited(
    machine: MachineSpeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved, awaited = [], []

    class There:
        """A buffer of another device."""

        def __init__(self, array: np.ndarray) -> None:  # type: ignore[type-arg] # any array
            self.array = array

    def to_device(array: np.ndarray, kind: str) -> object:  # type: ignore[type-arg] # any array
        moved.append(kind)
        return There(array)

    def to_host(buffer: There, kind: str) -> np.ndarray:  # type: ignore[type-arg] # any array
        awaited.append(kind)
        return buffer.array

    monkeypatch.setattr(competitors_module, "to_device", to_device)
    monkeypatch.setattr(competitors_module, "to_host", to_host)
    given = [Competitor("acme", lambda x: There(np.tanh(x.array)), device="acme")]
    monkeypatch.setattr(comparison_module, "competitors_for", lambda call, package: given)
    compared = compare(call_of_shapes(ops.tanh, ((50,),), "float32", {}), "acme", machine, quick=True)
    assert set(compared.timings) == {"acme"}
    assert compared.faults == {}
    assert set(moved) == set(awaited) == {"acme"}
    assert len(awaited) > len(moved)
