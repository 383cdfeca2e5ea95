"""Checkpoint: all its objects in place, values that wait for their variables, and a status that says what is left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dovetail_checkpointing import Checkpoint, restore
from dovetail_protocols.errors import CheckpointError, CheckpointMismatchError, StructureError

from .late_objects import Late


@pytest.fixture
def saved(tmp_path: Path, variable: Any) -> Path:
    net = Late(**{"layers/0": Late(kernel=variable([1.0, 2.0])), "layers/1": Late(kernel=variable([3.0]))})
    Checkpoint(net=net, step=variable(7)).write(tmp_path / "c", step=7)
    return tmp_path / "c"


def test_objects_are_restored_in_place(saved: Path, variable: Any) -> None:
    first, second, step = variable([0.0, 0.0]), variable([0.0]), variable(0)
    net = Late(**{"layers/0": Late(kernel=first), "layers/1": Late(kernel=second)})
    status = Checkpoint(net=net, step=step).restore(saved).assert_consumed()
    assert (first.payload.tolist(), second.payload.tolist(), step.payload.tolist()) == ([1.0, 2.0], [3.0], 7)
    assert status.waiting == status.unmatched == ()


def test_values_wait_for_objects_and_variables_made_later(saved: Path, variable: Any) -> None:
    net, step = Late(), variable(0)
    status = Checkpoint(net=net, step=step).restore(saved)
    assert status.waiting == ("net/layers/0/kernel", "net/layers/1/kernel")
    layer = Late()
    net.set("layers/0", layer)
    assert net.observer is not None
    made = variable([0.0, 0.0])
    layer.set("kernel", made)
    assert made.payload.tolist() == [1.0, 2.0]
    whole = variable([0.0])
    net.set("layers/1", Late(kernel=whole))
    assert whole.payload.tolist() == [3.0]
    assert status.assert_consumed().waiting == ()
    assert net.observer is None, "nothing is waited for any more"


def test_a_late_variable_of_another_shape_is_refused_and_keeps_its_value(saved: Path, variable: Any) -> None:
    layer = Late()
    Checkpoint(net=Late(**{"layers/0": layer})).restore(saved)
    made = variable([0.0, 0.0, 0.0])
    with pytest.raises(CheckpointMismatchError, match="1 difference\n") as caught:
        layer.set("kernel", made)
    assert "net/layers/0/kernel: the checkpoint has float64[2], the target float64[3]" in str(caught.value)
    assert made.payload.tolist() == [0.0, 0.0, 0.0]


def test_cycles_end_and_the_first_path_counts(saved: Path, variable: Any) -> None:
    net, layer = Late(), Late()
    Checkpoint(net=net).restore(saved)
    net.set("layers/0", layer)
    layer.set("parent", net)
    made = variable([0.0])
    net.set("layers/1", Late(kernel=made))
    assert made.payload.tolist() == [3.0]


def test_the_status_names_what_is_left_on_either_side(saved: Path, variable: Any) -> None:
    status = Checkpoint(step=variable(0)).restore(saved)
    assert status.assert_existing_objects_matched() is status
    with pytest.raises(CheckpointMismatchError, match="not everything was restored") as caught:
        status.assert_consumed()
    assert "net/layers/0/kernel: in the checkpoint, but no object has taken it" in str(caught.value)
    status = Checkpoint(step=variable(0), extra=variable(1)).restore(saved)
    with pytest.raises(CheckpointMismatchError) as caught:
        status.assert_existing_objects_matched()
    assert "extra: not in the checkpoint" in str(caught.value)
    assert "net/layers" not in str(caught.value)


def test_leaving_the_with_raises_unless_partial_is_expected(saved: Path, variable: Any) -> None:
    checkpoint = Checkpoint(step=variable(0))
    with pytest.raises(CheckpointMismatchError, match="not everything"), checkpoint.restore(saved):
        pass
    with checkpoint.restore(saved) as status:
        status.expect_partial()
    with pytest.raises(ZeroDivisionError), checkpoint.restore(saved):
        raise ZeroDivisionError  # the body's error comes first


def test_tied_variables_leave_nothing_waiting(tmp_path: Path, variable: Any) -> None:
    tied = variable([1.0])
    Checkpoint(a=tied, b=tied).write(tmp_path / "c")
    only_second = variable([0.0])
    Checkpoint(b=only_second).restore(tmp_path / "c").assert_consumed()
    assert only_second.payload.tolist() == [1.0]


@pytest.mark.parametrize("plain", [1.5, np.zeros(2), [np.zeros(2)]])
def test_plain_values_are_refused_with_a_way_out(tmp_path: Path, plain: Any, variable: Any) -> None:
    checkpoint = Checkpoint(good=variable(0), bad=plain)
    for call in (checkpoint.write, checkpoint.restore):
        with pytest.raises(StructureError, match="plain arrays and numbers") as caught:
            call(tmp_path / "c")
        assert "bad" in str(caught.value)
        assert "Variable" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_scalars_of_objects_are_restored_through_them(tmp_path: Path, module: Any, variable: Any) -> None:
    Checkpoint(data=module(epoch=4, place=variable(2))).write(tmp_path / "c")
    fresh = module(epoch=0, place=variable(0))
    Checkpoint(data=fresh).restore(tmp_path / "c").assert_consumed()
    assert (fresh.epoch, fresh.children["place"].payload.tolist()) == (4, 2)


def test_a_checkpoint_is_read_by_restore_too(saved: Path) -> None:
    tree = {"net": {"layers": [{"kernel": np.zeros(2)}, {"kernel": np.zeros(1)}]}, "step": np.zeros((), int)}
    assert restore(saved, tree).tree["net"]["layers"][0]["kernel"].tolist() == [1.0, 2.0]


def test_where_there_is_none_the_error_says_so(tmp_path: Path, variable: Any) -> None:
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        Checkpoint(step=variable(0)).restore(tmp_path / "nowhere")
