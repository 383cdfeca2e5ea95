from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dovetail_kernels_llvm.kernels.kernel import Moving
from dovetail_kernels_llvm.runtime.schedule import Arena, Branch, Constant, Input, Output, Repeat, Stage, While

pytestmark = pytest.mark.usefixtures("each_call")


def test_stages_run_one_after_the_other(small: Any) -> None:
    steps = (Stage((small.add(0, 1, 2, 4),)), Stage((small.add(2, 2, 3, 4),)), Stage((small.add(3, 0, 4, 4),)))
    run = small.executable(
        steps, {0: Input(0), 1: Input(1), 2: Arena(0), 3: Arena(64), 4: Output(0)}, ((4,), (4,)), ((4,),)
    )
    a, b = np.arange(4), np.arange(4) * 10
    (result,) = run(a, b)
    np.testing.assert_array_equal(result, 2 * (a + b) + a)


def test_all_launches_of_a_stage_run(small: Any) -> None:
    stage = Stage((small.add(0, 0, 1, 3), small.add(0, 0, 2, 1, tasks=3)))
    run = small.executable((stage,), {0: Input(0), 1: Output(0), 2: Output(1)}, ((3,),), ((3,), (3,)))
    for result in run(np.arange(3)):
        np.testing.assert_array_equal(result, [0, 2, 4])


def test_each_call_sees_its_own_arrays(small: Any) -> None:
    run = small.executable(
        (Stage((small.add(0, 1, 2, 2),)),), {0: Input(0), 1: Input(1), 2: Output(0)}, ((2,), (2,)), ((2,),)
    )
    kept = [run(np.full(2, number), np.arange(2))[0] for number in range(20)]
    np.testing.assert_array_equal(kept, [[number, number + 1] for number in range(20)])


def test_a_launch_without_tasks_does_nothing(small: Any) -> None:
    steps = (Stage((small.fill(1, 5),)), Stage((small.add(0, 0, 1, 1, tasks=0),)))
    run = small.executable(steps, {0: Input(0), 1: Output(0)}, ((1,),), ((1,),))
    assert run(np.array([3]))[0] == 5


def test_constants_are_read_and_kept_alive(small: Any) -> None:
    run = small.executable(
        (Stage((small.add(0, 1, 2, 3),)),), {0: Input(0), 1: Constant(np.arange(3) + 7), 2: Output(0)}, ((3,),), ((3,),)
    )
    np.testing.assert_array_equal(run(np.zeros(3, np.int64))[0], [7, 8, 9])


def _running_sums(small: Any, steps_of: tuple[int, int], first: int, count: int) -> Any:
    """sums[i] = total so far; total += x[i], along a loop over rows of two."""
    row = lambda buffer: Moving(small.view(buffer, 2, offset=first), ((7, steps_of[0]),))  # noqa: E731 # as short
    body = (Stage((small.add(1, row(0), 1, 2),)), Stage((small.add(1, 3, row(2), 2),)))
    clear = (Stage((small.fill(small.view(1, 1), 0), small.fill(small.view(1, 1, offset=1), 0))),)
    locations = {0: Input(0), 1: Arena(128), 2: Output(0), 3: Constant(np.zeros(2, np.int64))}
    return small.executable((*clear, Repeat(7, count, body)), locations, ((5, 2),), ((5, 2),))


def test_arguments_move_with_the_rounds_of_a_loop(small: Any) -> None:
    run = _running_sums(small, (2, 2), 0, 5)
    x = np.arange(10).reshape(5, 2) ** 2
    for _ in range(3):  # what moved is back at its start for the next call
        np.testing.assert_array_equal(run(x)[0], np.cumsum(x, axis=0))


def test_arguments_move_backwards(small: Any) -> None:
    run = _running_sums(small, (-2, -2), 8, 5)
    x = np.arange(10).reshape(5, 2) ** 2
    np.testing.assert_array_equal(run(x)[0], np.cumsum(x[::-1], axis=0)[::-1])


@pytest.mark.parametrize("count", [0, 1, 2])
def test_loops_run_as_often_as_they_say(small: Any, count: int) -> None:
    body = (Stage((small.add(1, 0, 1, 1),)),)
    steps = (Stage((small.fill(1, 100),)), Repeat(0, count, body), Stage((small.add(1, 0, 1, 1),)))
    run = small.executable(steps, {0: Input(0), 1: Output(0)}, ((1,),), ((1,),))
    for number in (1, 2):
        assert run(np.array([number]))[0] == 100 + number * (count + 1)


def test_arguments_move_with_each_loop_around_them(small: Any) -> None:
    target = Moving(small.view(1, 1), ((0, 12), (1, 4), (2, 1)))
    number = Moving(1000, ((0, 100), (1, 10), (2, 1)))
    inner = Repeat(2, 4, (Stage((small.fill(target, number),)),))
    run = small.executable((Repeat(0, 2, (Repeat(1, 3, (inner,)),)),), {1: Output(0)}, (), ((2, 3, 4),))
    i, j, k = np.indices((2, 3, 4))
    for _ in range(2):
        np.testing.assert_array_equal(run()[0], 1000 + 100 * i + 10 * j + k)


def _doubling(small: Any, limit: int | None) -> tuple[While, dict[int, Any]]:
    """Doubles buffer 1 while it is less than buffer 0."""
    condition = (Stage((small.less(1, 0, 2),)),)
    body = (Stage((small.add(1, 1, 1, 1),)),)
    loop = While(condition, small.view(2, 1, dtype="bool"), body, limit)
    return loop, {0: Input(0), 1: Output(0), 2: Arena(0)}


@pytest.mark.parametrize(("limit", "expected"), [(None, 128), (100, 128), (3, 8), (0, 1)])
def test_loops_end_when_the_condition_fails_or_at_their_limit(small: Any, limit: int | None, expected: int) -> None:
    loop, locations = _doubling(small, limit)
    run = small.executable((Stage((small.fill(1, 1),)), loop), locations, ((1,),), ((1,),))
    for _ in range(2):
        assert run(np.array([100]))[0] == expected
    assert run(np.array([1]))[0] == 1


def test_loops_in_loops_start_anew_each_time(small: Any) -> None:
    loop, locations = _doubling(small, 3)
    copy = small.add(1, 3, Moving(small.view(4, 1), ((0, 1),)), 1)
    body = (Stage((small.fill(1, Moving(1, ((0, 1),))),)), loop, Stage((copy,)))
    locations |= {1: Arena(64), 3: Constant(np.zeros(1, np.int64)), 4: Output(0)}
    run = small.executable((Repeat(0, 4, body),), locations, ((1,),), ((4,),))
    np.testing.assert_array_equal(run(np.array([10]))[0], [8, 16, 12, 16])


@pytest.mark.parametrize("number", [3, 30])
def test_branches_run_one_side(small: Any, number: int) -> None:
    branch = Branch(small.view(2, 1, dtype="bool"), (Stage((small.fill(3, 1),)), Stage((small.add(3, 0, 3, 1),))), ())
    steps = (Stage((small.less(0, 1, 2), small.fill(3, -1))), branch, Stage((small.add(3, 3, 3, 1),)))
    locations = {0: Input(0), 1: Constant(np.array([10])), 2: Arena(0), 3: Output(0)}
    run = small.executable(steps, locations, ((1,),), ((1,),))
    assert run(np.array([number]))[0] == (2 * (1 + number) if number < 10 else -2)


def test_predicates_move_with_loops(small: Any) -> None:
    target = Moving(small.view(1, 1), ((0, 1),))
    predicate = Moving(small.view(0, 1, dtype="bool"), ((0, 1),))
    branch = Branch(predicate, (Stage((small.fill(target, 10),)),), (Stage((small.fill(target, 20),)),))
    flags = np.array([True, False, False, True, True])
    run = small.executable((Repeat(0, 5, (branch,)),), {0: Constant(flags), 1: Output(0)}, (), ((5,),))
    for _ in range(2):
        np.testing.assert_array_equal(run()[0], np.where(flags, 10, 20))


def test_donated_inputs_are_written_and_returned(small: Any) -> None:
    steps = (Stage((small.add(0, 1, 2, 3),)),)
    run = small.executable(
        steps,
        {0: Input(0), 1: Input(1), 2: Output(1)},
        ((3,), (3,)),
        ((3,), (3,)),
        in_place={1: 0},
        passed_through={0: 1},
    )
    a, b = np.arange(3), np.arange(3) * 5
    for rounds in (1, 2):
        first, second = run(a, b)
        assert first is b
        assert second is a
        np.testing.assert_array_equal(a, np.arange(3) * (1 + 5 * rounds))


def test_outputs_without_axes_are_arrays(small: Any) -> None:
    run = small.executable((Stage((small.fill(0, 9),)),), {0: Output(0)}, (), ((),))
    (result,) = run()
    assert isinstance(result, np.ndarray)
    assert (result.shape, result.dtype, result[()]) == ((), np.int64, 9)


def test_a_schedule_may_have_nothing_at_all(small: Any) -> None:
    assert small.executable((), {}, (), ())() == ()


def test_empty_arrays_go_in_and_out(small: Any) -> None:
    run = small.executable((Stage((small.add(0, 0, 1, 0),)),), {0: Input(0), 1: Output(0)}, ((0, 3),), ((3, 0),))
    assert run(np.empty((0, 3), np.int64))[0].shape == (3, 0)


def test_outputs_are_fresh_at_each_call(small: Any) -> None:
    run = small.executable((Stage((small.add(0, 0, 1, 4),)),), {0: Input(0), 1: Output(0)}, ((4,),), ((4,),))
    first, second = run(np.arange(4))[0], run(np.arange(4) + 1)[0]
    np.testing.assert_array_equal(first, [0, 2, 4, 6])
    np.testing.assert_array_equal(second, [2, 4, 6, 8])
