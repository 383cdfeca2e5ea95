"""The harness's own arithmetic. Nothing is timed and no peer is needed."""

import io
import itertools
import json
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import agreement, command_line, references, report, worker
from benchmarks.comparison import compare
from benchmarks.drivers.catalogue import DRIVERS, LIMIT
from benchmarks.drivers.numpy.driver import prepare
from benchmarks.drivers.session import Mode, Session
from benchmarks.import_clock import ImportClock
from benchmarks.interleaving import turns
from benchmarks.results import DriverResult, Limits, Report, WorkloadResult
from benchmarks.sampling import calibrate, turn
from benchmarks.summary import summarize
from benchmarks.table import duration, render
from benchmarks.worker_process import Task, WorkerFailed, WorkerProcess, WorkerSkipped
from benchmarks.workloads import initial, optimizer_update, rows
from benchmarks.workloads.registry import LONG, WORKLOADS
from benchmarks.workloads.workload import Expression, Training, Work


def result_of(rounds_by_driver: dict[str, list[float]], **fields: Any) -> WorkloadResult:
    drivers = {name: DriverResult(name, [[value] for value in values]) for name, values in rounds_by_driver.items()}
    return WorkloadResult("mlp", "mlp", drivers, **fields)


def report_of(*results: WorkloadResult) -> Report:
    names = list(results[0].drivers)
    return Report({"processor": "a test"}, {"drivers": names}, Limits(1e11, "a product", 1e10, "a copy"), list(results))


def test_turns_reverse_every_second_round() -> None:
    assert turns("AB", 4) == [["A", "B"], ["B", "A"], ["A", "B"], ["B", "A"]]


def test_turns_give_everyone_the_same_mean_place() -> None:
    order = list(itertools.chain(*turns("ABC", 2)))
    places = {item: [place for place, other in enumerate(order) if other == item] for item in "ABC"}
    assert {sum(found) for found in places.values()} == {5}


def test_summary_is_the_median_and_half_the_quartiles_distance() -> None:
    found = summarize([1.0, 2.0, 3.0, 4.0, 100.0])
    assert found.median == 3.0
    assert found.spread == pytest.approx((4.0 - 2.0) / 2 / 3.0)


def test_summary_of_one_value_has_no_spread() -> None:
    assert summarize([2.0]).spread == 0.0


def test_ratio_is_taken_round_by_round() -> None:
    # The machine is three times slower in the second round; the ratio does not see it.
    found = compare(result_of({"dovetail": [1.0, 3.0], "jax": [2.0, 6.0], "pytorch": [9.0, 9.0]}))
    assert found is not None
    assert (found.fastest, found.ratio.median, found.ratio.spread) == ("jax", 0.5, 0.0)
    assert not found.is_defeat


def test_neither_ours_by_another_name_nor_the_floor_is_a_peer() -> None:
    rounds = {"dovetail": [2.0], "dovetail-eager": [1.0], "numpy": [0.5], "pytorch": [4.0]}
    result = result_of(rounds, floor_driver="numpy")
    found = compare(result)
    assert found is not None
    assert found.fastest == "pytorch"


def test_nothing_is_compared_where_we_have_no_time() -> None:
    assert compare(result_of({"dovetail": [], "jax": [1.0]})) is None


def test_only_the_named_peers_are_compared_with() -> None:
    found = compare(result_of({"dovetail": [2.0], "jax": [1.0], "numpy": [4.0]}), ("numpy", "pytorch"))
    assert found is not None
    assert (found.fastest, found.ratio.median) == ("numpy", 0.5)


def test_table_aligns_its_columns() -> None:
    text = render(["name", "a"], [["x", "1.00 ms"], ["longer", "–"]])
    assert text.splitlines() == ["name          a", "───────────────", "x       1.00 ms", "longer        –"]


def test_table_rejects_a_row_of_another_width() -> None:
    with pytest.raises(ValueError, match="1 cells under a header of 2"):
        render(["name", "a"], [["x"]])


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (12.34, "12.3 s"),
        (1.0, "1.00 s"),
        (0.1234, "123 ms"),
        (0.00999, "9.99 ms"),
        (9.9996e-3, "10.0 ms"),
        (0.99996, "1.00 s"),
        (4.2e-7, "420 ns"),
    ],
)
def test_duration_has_three_digits_and_a_unit(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_report_prints_defeats_and_failures() -> None:
    result = result_of({"dovetail": [3.0, 3.0], "jax": [2.0, 2.0], "pytorch": []})
    result.drivers["pytorch"].failed = "RuntimeError: no"
    text = report.render_report(report_of(result))
    assert "mlp: 1.50 times the time of JAX jit" in text
    assert "DEFEAT" in text
    assert "mlp, PyTorch: RuntimeError: no" in text


def test_a_framework_without_a_place_in_a_workload_has_a_dash() -> None:
    first, second = result_of({"dovetail": [2.0], "limit": [1.0]}), result_of({"dovetail": [2.0]})
    text = report.render_report(report_of(first, second))
    cells = [line.split()[-1] for line in text.splitlines() if line.startswith("mlp  ")]
    assert cells[:2] == ["–", "–"]


def test_report_names_the_workloads_that_others_disturbed() -> None:
    quiet, busy = result_of({"dovetail": [2.0]}, neighbors=0.01), result_of({"dovetail": [2.0]}, neighbors=0.4)
    assert "mlp 40%\n" in report.render_report(report_of(quiet, busy))
    assert "mlp 1%" not in report.render_report(report_of(quiet, busy))


def test_report_prints_that_we_failed() -> None:
    result = result_of({"dovetail": [], "jax": [2.0]})
    result.drivers["dovetail"].failed = "dovetail is not installed"
    found = report_of(result)
    assert "mlp, Dovetail: dovetail is not installed" in report.render_report(found)
    assert "none of 0 compared" in report.render_report(found)
    assert command_line.status(found) == 1


def test_a_defeat_is_no_failure_but_a_disagreement_is() -> None:
    result = result_of({"dovetail": [3.0], "jax": [2.0]}, reference="pytorch float64")
    result.drivers["dovetail"].evidence_error = 5e-5
    result.drivers["jax"].evidence_error = 3e-5
    assert command_line.status(report_of(result)) == 0
    result.drivers["dovetail"].evidence_error = 7e-5
    assert command_line.status(report_of(result)) == 1
    result.kinks = True
    assert command_line.status(report_of(result)) == 0


def test_evidence_error_is_the_largest_relative_norm() -> None:
    reference = {"a": np.array([3.0, 4.0]), "b": np.ones(4)}
    assert agreement.evidence_error({"a": np.array([3.0, 4.5]), "b": np.ones(4)}, reference) == pytest.approx(0.1)


@pytest.mark.parametrize("found", [{}, {"a": np.ones(3)}, {"a": np.array([1.0, np.nan])}])
def test_evidence_error_is_infinite_where_results_are_missing_or_no_numbers(found: dict[str, Any]) -> None:
    assert agreement.evidence_error(found, {"a": np.ones(2)}) == float("inf")


def test_curve_error_is_the_largest_relative_difference() -> None:
    assert agreement.curve_error([2.0, 1.1], [2.0, 1.0]) == pytest.approx(0.1)
    assert agreement.curve_error([float("nan")], [1.0]) == float("inf")


def test_quick_leaves_out_what_takes_long_and_says_so() -> None:
    options = command_line.parser().parse_args(["--quick"])
    plan = command_line.make_plan(options)
    assert not LONG & set(plan.workloads)
    assert "pytorch-compile" not in plan.drivers
    assert plan.notes
    named = command_line.make_plan(command_line.parser().parse_args(["--quick", "--workloads", "resnet18"]))
    assert named.workloads == ("resnet18",)


def test_workloads_are_named_or_matched() -> None:
    options = command_line.parser().parse_args(["--workloads", "mlp", "sgemm_1*", "mlp"])
    assert command_line.make_plan(options).workloads == ("mlp", "sgemm_128", "sgemm_1024")
    with pytest.raises(SystemExit):
        command_line.parser().parse_args(["--workloads", "sgem"])


def test_the_limit_is_no_peer_to_ask_for() -> None:
    with pytest.raises(SystemExit):
        command_line.parser().parse_args(["--peers", LIMIT])


def test_every_workload_is_the_same_in_every_process() -> None:
    first, again = initial.generator("a").standard_normal(3), initial.generator("a").standard_normal(3)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, initial.generator("a", 1).standard_normal(3))


def test_workloads_and_drivers_are_listed_under_their_names() -> None:
    assert all(name == workload.name for name, workload in WORKLOADS.items())
    assert all(name == driver.name for name, driver in DRIVERS.items())
    assert set(WORKLOADS) >= LONG


def test_training_data_change_with_each_batch() -> None:
    training = WORKLOADS["tiny"]
    assert isinstance(training, Training)
    assert not np.array_equal(training.batch(0)[0], training.batch(1)[0])


@pytest.mark.parametrize("function", [rows._softmax, rows._cross_entropy])
def test_gradients_of_the_numpy_forms_agree_with_finite_differences(function: Any) -> None:
    # Central differences in float64: error about step² plus rounding / step, far below 1e-6.
    random = np.random.default_rng(0)
    x = random.standard_normal((3, 5))
    is_softmax = function is rows._softmax
    second = random.standard_normal((3, 5)) if is_softmax else np.array([0, 4, 2])
    direction, step = random.standard_normal(x.shape), 1e-5

    def scalar(values: Any) -> float:
        value = function(values, second)[0]
        return float(np.sum(value * second)) if is_softmax else float(value)

    slope = (scalar(x + step * direction) - scalar(x - step * direction)) / (2 * step)
    assert np.sum(function(x, second)[1] * direction) == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("position", [0, 1, 2])
def test_gradients_of_layer_normalization_agree_with_finite_differences(position: int) -> None:
    random = np.random.default_rng(0)
    arguments = [random.standard_normal(shape) for shape in ((4, 6), (6,), (6,))]
    cotangent, step = random.standard_normal((4, 6)), 1e-5
    direction = random.standard_normal(arguments[position].shape)

    def scalar(distance: float) -> float:
        x, gamma, beta = (
            array + distance * direction if place == position else array for place, array in enumerate(arguments)
        )
        return float(np.sum(rows._layer_normalization(x, gamma, beta, cotangent)[0] * cotangent))

    x, gamma, beta = arguments
    gradient = rows._layer_normalization(x, gamma, beta, cotangent)[1 + position]
    assert np.sum(gradient * direction) == pytest.approx((scalar(step) - scalar(-step)) / (2 * step), rel=1e-6)


def test_adamw_takes_the_learning_rate_as_its_first_step() -> None:
    # The corrected moments of a first step are g and g², so the step is the rate, less what decays.
    settings = optimizer_update.OPTIMIZER
    values, first, second = np.array([1.0]), np.zeros(1), np.zeros(1)
    optimizer_update.adamw_in_place(values, first, second, np.array([3.0]), 1, settings)
    rate = settings.learning_rate
    assert values[0] == pytest.approx(1 - rate * settings.weight_decay - rate, rel=1e-8)


class CountingSession(Session):
    """Counts its steps."""

    def __init__(self) -> None:
        super().__init__(["first", "second"])
        self.seen: list[str] = []

    def step(self, batch: Any) -> Any:
        self.seen.append(batch)
        return batch

    def to_numpy(self, result: Any) -> Any:
        return np.float64(0)

    def evidence(self) -> Any:
        return {}


def test_steps_go_through_the_batches_in_turn_across_runs() -> None:
    session = CountingSession()
    session.run(1)
    session.run(2)
    assert session.seen == ["first", "second", "first"]


def test_a_turn_discards_its_first_steps() -> None:
    session = CountingSession()
    samples = turn(session, count=10, seconds=0.0)
    assert len(samples) == 1
    assert len(session.seen) == 12


def test_calibration_asks_for_at_least_a_step() -> None:
    assert calibrate(CountingSession(), 1e-9) >= 1


def test_worker_answers_with_what_went_wrong() -> None:
    replies = io.StringIO()
    tiny = worker.Worker("numpy", "tiny", "float32")
    worker.serve(tiny, io.StringIO(json.dumps({"name": "load", "arguments": {}}) + "\n"), replies)
    assert json.loads(replies.getvalue()) == {"not_applicable": "NumPy has no gradients"}


def test_worker_process_measures(tmp_path: Path) -> None:
    with WorkerProcess(Task("numpy", "eager_add"), tmp_path) as process:
        assert process.ask("load")["version"] == np.__version__
        assert process.ask("start")["first_call_seconds"] > 0
        assert process.ask("calibrate", sample_seconds=1e-4)["steps_per_sample"] >= 1
        assert process.ask("turn", seconds=0.0)["samples"][0] > 0
        assert process.ask("memory")["peak_bytes"] > 1 << 20
        references.save(tmp_path / "reference.npz", references.from_numpy(WORKLOADS["eager_add"]))
        assert process.ask("check", path=str(tmp_path / "reference.npz"))["error"] < 1e-6


def test_worker_process_says_why_it_gave_nothing(tmp_path: Path) -> None:
    with WorkerProcess(Task("numpy", "tiny"), tmp_path) as process, pytest.raises(WorkerSkipped, match="no gradients"):
        process.ask("load")
    with WorkerProcess(Task("numpy", "no such workload"), tmp_path) as process, pytest.raises(WorkerFailed):
        process.ask("load")


def test_worker_processes_work_at_the_same_time(tmp_path: Path) -> None:
    tasks = [Task("numpy", "eager_add"), Task("numpy", "sgemm_64")]
    with WorkerProcess(tasks[0], tmp_path) as first, WorkerProcess(tasks[1], tmp_path) as second:
        for process in (first, second):
            process.begin("load")
        assert second.finish("load") == first.finish("load")


def test_import_clock_leaves_out_what_was_imported_already(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dovetail_slow_module.py").write_text("import time\ntime.sleep(0.05)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with ImportClock() as clock:
        import dovetail_slow_module  # type: ignore[import-not-found]
    assert clock.seconds >= 0.05
    with ImportClock() as again:
        import dovetail_slow_module
    assert again.seconds == 0
    del sys.modules[dovetail_slow_module.__name__]


def test_references_survive_the_file(tmp_path: Path) -> None:
    arrays = {"layers/0/kernel": np.arange(3.0)}
    references.save(tmp_path / "reference.npz", arrays)
    found = references.load(tmp_path / "reference.npz")
    np.testing.assert_array_equal(found["layers/0/kernel"], arrays["layers/0/kernel"])


def test_numpy_session_agrees_with_the_reference() -> None:
    small = Expression(
        "small",
        "",
        "softmax",
        lambda _: (np.eye(3, dtype=np.float32), np.ones((3, 3), np.float32)),
        rows._softmax,
        Work(),
        ("y", "x_gradient"),
        (0,),
        True,
    )
    evidence = prepare(small, Mode(compiled=False)).evidence()
    assert agreement.evidence_error(evidence, references.from_numpy(small)) < 1e-6


def test_importing_the_harness_imports_no_framework() -> None:
    assert isinstance(sys.modules["benchmarks.drivers.numpy.driver"], types.ModuleType)
    assert not {"benchmarks.drivers.pytorch.driver", "benchmarks.drivers.jax.driver"} & set(sys.modules)
