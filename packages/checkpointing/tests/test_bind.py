"""bind: values go to variables as they are made, for one `with`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dovetail_checkpointing import bind, save
from dovetail_protocols.errors import (
    CheckpointMismatchError,
    StructureError,
)

from .late_objects import Late


def test_bind_gives_values_to_variables_made_in_its_body(saved: Path, variable: Any) -> None:
    net = Late()
    with bind(saved, {"net": net}) as status:
        assert net.set("a", variable([0.0])).payload.tolist() == [1.0]
        assert status.waiting == ("net/b",)
        net.set("b", variable([0.0, 0.0]))
    assert net.observer is None


def test_bind_takes_one_object_that_was_saved_by_itself(tmp_path: Path, variable: Any) -> None:
    save(tmp_path / "c", Late(kernel=variable([3.0])))
    net = Late()
    with bind(tmp_path / "c", net):
        net.set("kernel", variable([0.0]))
    assert net.children["kernel"].payload.tolist() == [3.0]
    save(tmp_path / "v", variable([4.0]))
    alone = variable([0.0])
    with bind(tmp_path / "v", alone):
        assert alone.payload.tolist() == [4.0]


def test_bind_raises_what_is_left_and_ends_the_wait(saved: Path, variable: Any) -> None:
    net = Late()
    net.set("extra", variable([0.0]))
    with pytest.raises(CheckpointMismatchError) as caught, bind(saved, {"net": net}):
        net.set("a", variable([0.0]))
    assert "net/extra: not in the checkpoint" in str(caught.value)
    assert "net/b: in the checkpoint, but no object has taken it" in str(caught.value)
    assert net.observer is None
    assert net.set("b", variable([0.0, 0.0])).payload.tolist() == [0.0, 0.0]
    with bind(saved, {"net": Late()}) as status:
        status.expect_partial()
    other = Late()
    with pytest.raises(ZeroDivisionError), bind(saved, {"net": other}):
        raise ZeroDivisionError  # the body's error comes first
    assert other.observer is None


def test_bind_refuses_plain_values(saved: Path) -> None:
    with pytest.raises(StructureError, match="plain arrays and numbers"), bind(saved, {"net": {"a": np.zeros(1)}}):
        pass
