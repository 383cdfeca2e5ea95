"""What a kernel gives is compared with the declaration: once, or each time in debug mode."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dovetail_protocols.errors import KernelError
from dovetail_protocols.operations import tanh, unstack
from dovetail_tensors.kernel_checks import CheckedOnce, verified

X = np.ones((3, 2), np.float32)


def once(kernel: Any, operation: Any = tanh, kind: str = "cpu") -> CheckedOnce:
    return CheckedOnce(kernel, "acme/fast", kind, operation, {"axis": 0} if operation is unstack else {})


WRONG = {
    "another shape": (lambda x: x[0], r"gave \(2,\) float32"),
    "another dtype": (lambda x: x.astype(np.float64), r"gave \(3, 2\) float64"),
    "two results": (lambda x: (x, x), "gave a tuple"),
    "nothing": (lambda x: None, "gave a NoneType"),
    "no buffer": (lambda x: object(), "gave a object"),
    "a text": (lambda x: "x", "gave a str"),
    "a list": (lambda x: [[float(number) for number in row] for row in x], "gave a list"),
}


@pytest.mark.parametrize(("kernel", "got"), WRONG.values(), ids=list(WRONG))
def test_a_first_result_that_does_not_fit_raises_each_time_and_names_the_kernel(kernel: Any, got: str) -> None:
    checked = once(kernel)
    for _ in range(2):
        with pytest.raises(KernelError, match=r"kernel acme/fast gave what tanh does not declare") as caught:
            checked(X)
        assert caught.value.expected == "declared (3, 2) float32"
        assert caught.match(got)
        assert "DOVETAIL_KERNELS=-acme" in str(caught.value.fix)


@pytest.mark.parametrize(
    ("kernel", "got"),
    [
        (lambda x: x, "a ndarray, not a tuple"),
        (lambda x: (x[0], x[1]), "(2,) float32, (2,) float32"),
        (lambda x: (), "nothing"),
    ],
)
def test_another_number_of_results_raises(kernel: Any, got: str) -> None:
    with pytest.raises(KernelError) as caught:
        once(kernel, unstack)(X)
    assert caught.value.expected == "declared (2,) float32, (2,) float32, (2,) float32"
    assert caught.value.got == f"gave {got}"


def test_once_it_fits_it_is_looked_at_no_more_but_in_debug_mode_it_is() -> None:
    results = [X, None, None]
    checked = once(lambda x: results.pop(0))
    assert checked(X) is X
    assert checked(X) is None
    with pytest.raises(KernelError):
        verified(lambda x: results.pop(0), "acme/fast", "cpu", tanh, {})(X)


def test_a_tuple_of_results_that_fit_passes() -> None:
    assert len(once(lambda x: tuple(x), unstack)(X)) == 3
