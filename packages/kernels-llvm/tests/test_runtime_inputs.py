from __future__ import annotations

import gc
import pickle
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dovetail_kernels_llvm.kernels.kernel import Launch, Moving
from dovetail_kernels_llvm.runtime import object_layout
from dovetail_kernels_llvm.runtime.driver import driver
from dovetail_kernels_llvm.runtime.schedule import Arena, Constant, Input, Output, Repeat, Stage
from dovetail_protocols.errors import DTypeError, ShapeError, SignatureError

pytestmark = pytest.mark.usefixtures("each_call")


@pytest.fixture
def add(small: Any) -> Any:
    """a + b of shape (2, 3); the second input is donated where the call says so."""

    def make(**options: Any) -> Any:
        steps = (Stage((small.add(0, 1, 2, 6),)),)
        return small.executable(steps, {0: Input(0), 1: Input(1), 2: Output(0)}, ((2, 3), (2, 3)), ((2, 3),), **options)

    return make


A = np.arange(6, dtype=np.int64).reshape(2, 3)


def unaligned(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    memory = np.zeros(array.nbytes + 1, np.uint8)
    moved = memory[1:].view(array.dtype).reshape(array.shape)
    moved[...] = array
    return moved


class Child(np.ndarray):  # type: ignore[type-arg] # of any shape and dtype
    pass


FITTING: dict[str, Callable[[], Any]] = {
    "plain": lambda: A.copy(),
    "transposed": lambda: np.asfortranarray(A),
    "with gaps": lambda: np.repeat(A, 2, axis=1)[:, ::2],
    "reversed": lambda: A[::-1].copy()[::-1],
    "broadcast": lambda: np.broadcast_to(A[0], (2, 3)),
    "unaligned": lambda: unaligned(A),
    "swapped bytes": lambda: A.astype(">i8"),
    "read-only": lambda: np.frombuffer(A.tobytes(), np.int64).reshape(2, 3),
    "subclass": lambda: A.copy().view(Child),
    "unpickled": lambda: pickle.loads(pickle.dumps(A)),
    "other 64-bit integer": lambda: A.astype(np.longlong),
    "byte order by name": lambda: A.copy().view(A.dtype.newbyteorder("<" if sys.byteorder == "little" else ">")),
    "list": lambda: A.tolist(),
}
WRITEABLE = ("plain", "subclass", "unpickled", "other 64-bit integer", "byte order by name")
"""Those that can be written in place."""


@pytest.mark.parametrize("name", FITTING)
def test_inputs_are_taken_however_they_lie_in_memory(add: Any, name: str) -> None:
    given = FITTING[name]()
    run = add()
    for _ in range(2):
        for a, b in ((given, A), (A, given), (given, given)):
            (result,) = run(a, b)
            np.testing.assert_array_equal(result, np.add(a, b))
            assert type(result) is np.ndarray


@pytest.mark.parametrize("name", FITTING)
def test_a_donated_input_that_cannot_be_written_is_copied(add: Any, name: str) -> None:
    given = FITTING[name]()
    kept = np.array(given)
    (result,) = add(in_place={0: 1})(A, given)
    np.testing.assert_array_equal(result, A + kept)
    assert np.shares_memory(result, given) == (name in WRITEABLE)
    np.testing.assert_array_equal(given, A + kept if name in WRITEABLE else kept)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ((A,), SignatureError, "expected: 2"),
        ((A, A, A), SignatureError, "got: 3"),
        ((A, A.astype(np.int32)), DTypeError, "input 1 .*\n.*expected: int64\n.*got: int32"),
        ((A.astype(np.float64), A), DTypeError, "input 0 .*\n.*expected: int64\n.*got: float64"),
        ((A, A.astype(np.uint64)), DTypeError, "got: uint64"),
        ((A, None), DTypeError, "got: object"),
        ((A, A.T), ShapeError, r"input 1 .*\n.*expected: \(2, 3\)\n.*got: \(3, 2\)"),
        ((A.reshape(6), A), ShapeError, r"got: \(6,\)"),
        ((A[..., None], A), ShapeError, r"got: \(2, 3, 1\)"),
        ((A, A[:1]), ShapeError, r"got: \(1, 3\)"),
    ],
)
def test_inputs_that_do_not_fit_are_refused_before_anything_is_written(
    add: Any, given: tuple[Any, ...], error: type[Exception], message: str
) -> None:
    run = add(in_place={0: 0})
    first = A.copy()
    for _ in range(2):  # before and after there is a context
        before = [np.array(one) for one in given]
        with pytest.raises(error, match=message):
            run(*given)
        for one, kept in zip(given, before, strict=True):
            np.testing.assert_array_equal(one, kept)
        run(first, A)


def test_a_small_result_keeps_nothing_else_alive(add: Any) -> None:
    run = add()
    a = A.copy()
    run(a, A)
    gc.collect()  # what other tests have left behind
    before = sys.getrefcount(a), sys.getrefcount(None)
    for _ in range(1000):
        run(a, A)
        run(a, A.T.copy().T)
    gc.collect()
    assert sys.getrefcount(a) == before[0]
    assert abs(sys.getrefcount(None) - before[1]) < 100


def test_an_output_that_cannot_be_made_is_an_error_and_the_next_call_works(add: Any) -> None:
    run = add()
    fails = [True]

    def make() -> Any:
        if fails[0]:
            raise MemoryError("none left")
        return np.empty((2, 3), np.int64)

    run._makers = (make,)
    for _ in range(3):
        fails[0] = True
        with pytest.raises(MemoryError, match="none left"):
            run(A, A)
        fails[0] = False
        np.testing.assert_array_equal(run(A, A)[0], 2 * A)
    assert len(run._contexts) == 1


def test_the_native_call_is_used_on_this_python(each_call: str) -> None:
    assert object_layout.array_fields() is not None
    assert driver().has_quick_call == (each_call == "native call")


def test_views_outside_of_their_buffers_are_refused(small: Any) -> None:
    for view in (small.view(0, 5), small.view(0, 4, offset=1), small.view(0, 2, offset=-1)):
        with pytest.raises(ValueError, match=r"add: argument 0 reaches from byte .* of 32 bytes"):
            small.executable((Stage((small.add(view, 1, 1, 1),)),), {0: Input(0), 1: Arena(0)}, ((4,),), ())


def test_views_that_move_outside_are_refused(small: Any) -> None:
    moving = Moving(small.view(0, 1), ((3, 1),))
    loop = Repeat(3, 5, (Stage((small.fill(moving, 1),)),))
    with pytest.raises(ValueError, match="from byte 0 to 40 of 32"):
        small.executable((loop,), {0: Output(0)}, (), ((4,),))
    with pytest.raises(ValueError, match="moves with Repeat 3, which isn't around it"):
        small.executable(loop.body, {0: Output(0)}, (), ((4,),))


@pytest.mark.parametrize("location", [Input(0), Constant(A)])
def test_writing_what_is_not_to_be_written_is_refused(small: Any, location: Any) -> None:
    with pytest.raises(ValueError, match="argument 0 is written"):
        small.executable((Stage((small.fill(0, 1),)),), {0: location}, ((4,),), ())


def test_buffers_that_lie_nowhere_are_refused(small: Any) -> None:
    launch: Launch = small.add(0, 1, 2, 1)
    with pytest.raises(ValueError, match="argument 1: buffer 1 lies nowhere"):
        small.executable((Stage((launch,)),), {0: Input(0), 1: Input(1), 2: Arena(0)}, ((1,),), ())


def test_outputs_must_be_like_the_inputs_they_are(small: Any) -> None:
    with pytest.raises(ValueError, match="output 0 in place of input 0"):
        small.executable((), {}, ((2,),), ((3,),), in_place={0: 0})
    with pytest.raises(ValueError, match="no such place"):
        small.executable((), {}, ((2,),), ((2,),), passed_through={0: 1})
