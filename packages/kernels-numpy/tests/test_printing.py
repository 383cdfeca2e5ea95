"""What the kernel of print writes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dovetail_kernels_numpy import printing
from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta


def written(capsys: pytest.CaptureFixture[str], *arrays: Any, **attributes: Any) -> tuple[str, str]:
    call = CallMeta(ops.print, (), {**ops.print._defaults, **attributes}, ())
    assert printing.print(call)(*map(np.asarray, arrays)) == ()
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_print_writes_values_to_the_stream_that_is_in_place(capsys: pytest.CaptureFixture[str]) -> None:
    assert written(capsys, [1.5, 2.0], 3) == ("[1.5 2. ] 3\n", "")
    assert written(capsys, 3, format="step {}", end=";", stream="stderr") == ("", "step 3;")
    assert written(capsys) == ("\n", "")


def test_print_shortens_long_arrays(capsys: pytest.CaptureFixture[str]) -> None:
    text, _ = written(capsys, np.arange(10_000))
    assert text == "[   0    1    2 ... 9997 9998 9999]\n"
