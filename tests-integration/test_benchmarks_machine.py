"""What the harness says of the machine: limits, memory, environment, neighbors. No duration is asserted."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import environment, machine, memory, neighbors, threads
from benchmarks.comparison import share_of_limit
from benchmarks.drivers.session import Mode, NotApplicable
from benchmarks.results import DriverResult, Limits, WorkloadResult
from benchmarks.workloads.registry import WORKLOADS
from benchmarks.workloads.workload import OptimizerSettings, Traffic, Work


def result_of(rounds_by_driver: dict[str, list[float]], **fields: Any) -> WorkloadResult:
    drivers = {name: DriverResult(name, [[value] for value in values]) for name, values in rounds_by_driver.items()}
    return WorkloadResult("sgemm_64", "sgemm", drivers, **fields)


def test_traffic_counts_what_is_updated_twice() -> None:
    assert Traffic(10, read=1, updated=3, written=2).memory_bytes == 10 * 4 * (1 + 6 + 2)


def test_an_update_that_stays_in_a_cache_has_no_traffic() -> None:
    adam = OptimizerSettings("adam", learning_rate=0.1)
    assert adam.update_traffic(1000).memory_bytes == 0
    assert adam.update_traffic(1_000_000).memory_bytes == 28_000_000


def test_floor_adds_arithmetic_and_traffic() -> None:
    limits = Limits(flops_per_second=100.0, flops_source="", bytes_per_second=10.0, bytes_source="")
    assert machine.floor_seconds(Work(50.0, Traffic(5, read=1)), limits) == pytest.approx(2.5)


def test_share_is_taken_round_by_round_from_the_limits_turns() -> None:
    # The machine is three times slower in the second round; neither the ratio nor the share sees it.
    result = result_of({"dovetail": [2.0, 6.0], "limit": [1.0, 3.0]}, floor_driver="limit", floor_seconds=0.1)
    assert share_of_limit(result) == 0.5


def test_share_is_taken_from_the_floor_where_the_limit_has_no_turns() -> None:
    result = result_of({"dovetail": [2.0, 4.0], "limit": []}, floor_driver="limit", floor_seconds=0.3)
    assert share_of_limit(result) == pytest.approx(0.1)
    assert share_of_limit(result_of({"dovetail": [2.0]})) is None
    assert share_of_limit(result_of({"dovetail": []}, floor_seconds=0.3)) is None


def test_a_product_stands_in_for_multiply_adds_that_were_not_measured() -> None:
    guessed = Limits(1.0, "NumPy's sgemm", 1.0, "copy")
    products = [result_of({"dovetail": [0.5], "jax": [1.0]})]
    found = machine.with_products(guessed, products)
    assert (found.flops_per_second, found.flops_source) == (2 * 64**3 / 0.5, "dovetail's sgemm_64")
    measured = Limits(1.0, "multiply-adds alone", 1.0, "copy", native=True)
    assert machine.with_products(measured, products) == measured


@pytest.mark.parametrize("width", [4, 8, 16])
@pytest.mark.parametrize(
    "traffic", [Traffic(1, read=3, written=1), Traffic(1, read=1, updated=3), Traffic(1, updated=1), Traffic(1, read=1)]
)
def test_loops_are_valid_at_every_width(width: int, traffic: Traffic) -> None:
    loops = pytest.importorskip("benchmarks.native_loops")
    from llvmlite import binding

    for text in (loops.multiply_add_ir(width), loops.stream_ir(width, traffic, streaming_stores=True)):
        binding.parse_assembly(text).verify()


@pytest.mark.parametrize("streaming_stores", [True, False])
def test_a_stream_goes_through_its_arrays_and_no_further(streaming_stores: bool) -> None:
    loops = pytest.importorskip("benchmarks.native_loops")
    native = loops.NativeLoops()
    turns, canary = 3, np.uint32(0xDEADBEEF)
    count = turns * loops.STREAM_STEP
    arrays = []
    for index in range(4):
        padded = np.full(count + 32, canary, np.uint32)
        start = -padded.ctypes.data % loops.ALIGNMENT_BYTES // 4
        padded[start : start + count] = np.arange(count) + 1000 * index
        arrays.append((padded, padded[start : start + count], start))
    before = [part.copy() for _, part, _ in arrays]
    table = np.array([part.ctypes.data for _, part, _ in arrays], np.uintp)
    stream = native.stream(Traffic(count, read=2, updated=1, written=1), streaming_stores=streaming_stores)
    stream(table.ctypes.data, turns)
    read = before[0] ^ before[1] ^ 1
    for (padded, part, start), expected in zip(arrays, [before[0], before[1], before[2] ^ read, read], strict=True):
        np.testing.assert_array_equal(part, expected)
        assert (padded[:start] == canary).all()
        assert (padded[start + count :] == canary).all()


def test_limit_does_arithmetic_and_traffic_on_its_threads() -> None:
    driver = pytest.importorskip("benchmarks.drivers.limit.driver")
    session = driver.LimitSession(Work(1e6, Traffic(4096, read=1, written=1)), threads=2)
    session.run(2)
    assert session.curve(1) == []
    with pytest.raises(NotApplicable):
        driver.prepare(WORKLOADS["import"], Mode())


@pytest.mark.skipif(memory.resident() is None, reason="the system does not say what is resident")
def test_step_memory_is_what_steps_take_above_the_loaded_model() -> None:
    size = 32 << 20
    kept = np.ones(size // 8)
    found = memory.StepMemory()
    found.loaded()
    first = np.ones(2 * size // 8)
    del first
    found.settled()
    later = np.ones(size // 8)
    del later
    result = found.found()
    if result["step_bytes"] is None:
        pytest.skip("the system does not let the peak begin anew")
    # Within a quarter, as the allocator and the interpreter take something too.
    assert result["first_step_bytes"] == pytest.approx(2 * size, rel=0.25)
    assert result["step_bytes"] == pytest.approx(size, rel=0.25)
    assert result["peak_bytes"] >= 3 * size
    assert kept.nbytes == size


def test_every_compiler_caches_in_the_given_folder(tmp_path: Path) -> None:
    variables = environment.of_worker(tmp_path)
    folders = {name for name, value in variables.items() if value.startswith(f"{tmp_path}{os.sep}")}
    assert folders == {"XDG_CACHE_HOME", "TORCHINDUCTOR_CACHE_DIR", "JAX_COMPILATION_CACHE_DIR", "DOVETAIL_CACHE_DIR"}
    assert variables["DOVETAIL_NUM_THREADS"] == variables["OMP_NUM_THREADS"] == "2"


def test_products_choose_their_kernels_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    assert "OPENBLAS_CORETYPE" not in environment.of_worker(tmp_path)


def test_freed_memory_is_kept_unless_the_user_chose_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(environment.ALLOCATOR_VARIABLE, "glibc.malloc.check=1")
    environment.keep_freed_memory()
    assert environment.choices(os.environ)["allocator"] == "glibc.malloc.check=1"
    monkeypatch.delenv(environment.ALLOCATOR_VARIABLE)
    assert environment.choices(os.environ)["allocator"] == "as the system has it"
    environment.keep_freed_memory()
    assert "trim_threshold" in environment.choices(os.environ)["allocator"]


def test_report_shows_what_was_chosen_for_us() -> None:
    assert environment.choices({"DOVETAIL_ISA": "avx2", "HOME": "/"})["DOVETAIL_ISA"] == "avx2"


def test_processors_are_of_different_cores_where_there_are_two() -> None:
    assert threads.choose({0: "0,1", 1: "0,1", 2: "2,3", 3: "2,3"}) == [0, 2]
    assert threads.choose({0: "0,1", 1: "0,1"}) == [0, 1]


def test_busy_seconds_count_our_processors_and_neither_idling_nor_guests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbors, "available", lambda: [0, 2])
    ticks = os.sysconf("SC_CLK_TCK")
    rows = [f"cpu{number} {ticks} 0 {ticks} {9 * ticks} 5 0 0 {ticks} {ticks} 0" for number in range(3)]
    (tmp_path / "stat").write_text("\n".join(["cpu 1 1 1 1 1 1 1 1 1 1", *rows, "intr 5"]))
    assert neighbors.busy_seconds(tmp_path / "stat") == 6.0
    assert neighbors.busy_seconds(tmp_path / "none") is None


def test_our_own_work_is_no_neighbors() -> None:
    watch = neighbors.Neighbors()
    share = watch.share()
    assert share is None or share >= 0


def test_what_the_kernels_threads_do_is_ours(tmp_path: Path) -> None:
    ticks = os.sysconf("SC_CLK_TCK")
    for number, name, parent in ((7, "kworker/u8:1 (a) b", 2), (8, "sshd", 1)):
        (tmp_path / str(number)).mkdir()
        numbers = " ".join(["0"] * 9)
        (tmp_path / str(number) / "stat").write_text(
            f"{number} ({name}) S {parent} {numbers} {ticks} {2 * ticks} 5 5 0\n"
        )
    assert neighbors.kernel_seconds(tmp_path) == 3.0
    assert neighbors.kernel_seconds(tmp_path / "none") == 0.0
