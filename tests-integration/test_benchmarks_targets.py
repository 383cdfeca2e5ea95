"""Verdicts on the targets, from results that are made up."""

import json
from typing import Any

import pytest

from benchmarks import command_line, report
from benchmarks.drivers.catalogue import DRIVERS
from benchmarks.results import DriverResult, Limits, Report, WorkloadResult
from benchmarks.targets import TARGETS, Goal, Measure, Target
from benchmarks.verdicts import measured, render_verdicts, verdicts
from benchmarks.workloads.registry import WORKLOADS

SPEED = Target("speed", ("mlp",), Goal(Measure.SPEED, 2.0), Goal(Measure.SPEED, 4.0))


def result_of(name: str, rounds_by_driver: dict[str, list[float]], **fields: Any) -> WorkloadResult:
    drivers = {
        driver: DriverResult(driver, [[value] for value in rounds]) for driver, rounds in rounds_by_driver.items()
    }
    return WorkloadResult(name, name, drivers, **fields)


def verdict_on(target: Target, *results: WorkloadResult) -> str:
    (found,) = verdicts(results, [target])
    return found.text


def test_every_target_names_workloads_and_peers_that_exist() -> None:
    for target in TARGETS:
        assert set(target.workloads) <= set(WORKLOADS), target.title
        assert set(target.peers) <= set(DRIVERS), target.title
    assert len({target.title for target in TARGETS}) == len(TARGETS)


def test_an_aim_is_at_least_as_much_as_its_must() -> None:
    for target in TARGETS:
        if target.must.measure is target.aim.measure:
            assert target.must.excess(target.aim.value) < 0, target.title


@pytest.mark.parametrize(
    ("ours", "verdict"),
    [
        (0.2, "aim met"),
        (0.25, "aim met"),
        (0.26, "must met"),
        (0.5, "must met"),
        (0.55, "MISSED by 10.0%"),
        (1.5, "MISSED 3.0 times over"),
    ],
)
def test_speed_is_the_fastest_peers_time_over_ours(ours: float, verdict: str) -> None:
    assert verdict_on(SPEED, result_of("mlp", {"dovetail": [ours], "pytorch": [1.0], "jax": [2.0]})) == verdict


def test_only_the_targets_peers_count() -> None:
    assert verdict_on(SPEED, result_of("mlp", {"dovetail": [0.5], "jax": [1.0], "tensorflow": [0.1]})) == "must met"


def test_less_is_better_for_seconds_and_memory() -> None:
    call = Target("call", ("mlp",), Goal(Measure.SECONDS, 5e-6), Goal(Measure.SECONDS, 3e-6))
    assert verdict_on(call, result_of("mlp", {"dovetail": [2e-6]})) == "aim met"
    assert verdict_on(call, result_of("mlp", {"dovetail": [6e-6]})) == "MISSED by 20.0%"


def test_memory_is_compared_with_the_peers_steps() -> None:
    result = result_of("gpt", {"dovetail": [1.0], "pytorch": [1.0]})
    assert measured(result, Measure.MEMORY, ("pytorch",)) is None
    result.drivers["dovetail"].step_bytes, result.drivers["pytorch"].step_bytes = 60, 100
    assert measured(result, Measure.MEMORY, ("pytorch",)) == 0.6


def test_an_aim_may_have_another_measure_than_its_must() -> None:
    target = Target("mixed", ("mlp",), Goal(Measure.SPEED, 1.0), Goal(Measure.SHARE, 0.9))
    rounds = {"dovetail": [1.0], "pytorch": [2.0], "limit": [0.95]}
    (found,) = verdicts([result_of("mlp", rounds, floor_driver="limit")], [target])
    assert found.text == "aim met"
    assert "2.00×, 95.0% of limit" in render_verdicts([found])
    (found,) = verdicts([result_of("mlp", rounds | {"limit": [0.8]}, floor_driver="limit")], [target])
    assert found.text == "must met"
    del rounds["limit"]
    assert verdict_on(target, result_of("mlp", rounds)) == "must met"


def test_the_furthest_workload_decides() -> None:
    target = Target("both", ("mlp", "gpt"), SPEED.must, SPEED.aim)
    results = [result_of("mlp", {"dovetail": [0.1], "jax": [1.0]}), result_of("gpt", {"dovetail": [1.0], "jax": [1.0]})]
    (found,) = verdicts(results, [target])
    assert (found.decisive, found.text) == ("gpt", "MISSED 2.0 times over")


def test_a_must_is_not_met_by_some_of_its_workloads() -> None:
    target = Target("both", ("mlp", "gpt"), SPEED.must, SPEED.aim)
    fast, failed = result_of("mlp", {"dovetail": [0.1], "jax": [1.0]}), result_of("gpt", {"dovetail": [], "jax": [1.0]})
    assert verdict_on(target, fast, failed) == "not decided: 1 of 2 not measured"
    assert verdict_on(target, failed) == "not measured"
    assert not verdicts([fast, failed], [target])[0].is_must_met


def test_a_verdict_from_a_busy_machine_says_so() -> None:
    assert (
        verdict_on(SPEED, result_of("mlp", {"dovetail": [0.5], "jax": [1.0]}, neighbors=0.3)) == "must met, disturbed"
    )


def test_targets_that_were_not_asked_for_have_no_verdict() -> None:
    assert verdicts([result_of("cnn", {"dovetail": [1.0]})]) == []


def test_verdicts_are_in_the_report_and_in_its_json() -> None:
    result = result_of("tiny", {"dovetail": [1.0], "jax": [3.0]})
    found = Report({}, {"drivers": ["dovetail", "jax"]}, Limits(1e11, "", 1e10, ""), [result])
    line = next(line for line in report.render_report(found).splitlines() if line.startswith("tiny training step"))
    assert line.split()[-2:] == ["must", "met"]
    (verdict,) = json.loads(json.dumps(command_line.to_json(found)))["verdicts"]
    assert verdict["must"] == {"measure": "speed", "value": 2.0, "found": {"tiny": 3.0}}
    assert (verdict["must_met"], verdict["aim_met"], verdict["verdict"]) == (True, False, "must met")
