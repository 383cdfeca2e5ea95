"""PyTorch → Dovetail → PyTorch: the same bits, and models that agree."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import dovetail_checkpointing
from dovetail_checkpointing.interchange import NameMap, convert
from dovetail_modules import layers
from dovetail_protocols.errors import CheckpointMismatchError, CheckpointUnsafeError
from dovetail_tensors import asarray

from ..twins import TWINS
from . import pytorch_models
from .pytorch_models import bits


@pytest.mark.parametrize("name", TWINS)
def test_models_agree_and_weights_come_back_to_the_bit(name: str, tmp_path: Path) -> None:
    twin, theirs = TWINS[name], pytorch_models.built(name)
    ours = twin.built()
    names = NameMap(twin.pytorch)
    torch.save(theirs.state_dict(), tmp_path / "model.pt")
    convert(tmp_path / "model.pt", tmp_path / "model", like=ours, names=names)
    dovetail_checkpointing.restore(tmp_path / "model", ours, unexpected="ignore")
    expected = pytorch_models.output(theirs, twin.input)
    np.testing.assert_allclose(twin.output(ours), expected, rtol=0, atol=twin.tolerance)
    assert np.abs(expected).max() > 100 * twin.tolerance

    convert(tmp_path / "model", tmp_path / "again.pt", like=ours, names=names.inverse())
    again = torch.load(tmp_path / "again.pt", weights_only=True)
    assert {key: bits(value) for key, value in again.items()} == {
        key: bits(value) for key, value in theirs.state_dict().items()
    }
    fresh = pytorch_models.built(name)
    fresh.load_state_dict(again, strict=True)


def test_trained_biases_are_split_anew(tmp_path: Path) -> None:
    """What was kept for the way back doesn't belong to weights that changed since."""
    twin, theirs = TWINS["sequence"], pytorch_models.built("sequence")
    ours, names = twin.built(), NameMap(twin.pytorch)
    torch.save(theirs.state_dict(), tmp_path / "model.pt")
    convert(tmp_path / "model.pt", tmp_path / "model", like=ours, names=names)
    tree = dovetail_checkpointing.restore(tmp_path / "model").tree
    tree["lstm"]["bias"] = tree["lstm"]["bias"] * 2
    dovetail_checkpointing.save(tmp_path / "trained", tree)
    convert(tmp_path / "trained", tmp_path / "trained.pt", like=ours, names=names.inverse())
    state = torch.load(tmp_path / "trained.pt", weights_only=True)
    assert np.array_equal((state["lstm.bias_ih_l0"] + state["lstm.bias_hh_l0"]).numpy(), tree["lstm"]["bias"])
    theirs.load_state_dict(state)
    dovetail_checkpointing.restore(tmp_path / "trained", ours, unexpected="ignore")
    np.testing.assert_allclose(
        twin.output(ours), pytorch_models.output(theirs, twin.input), rtol=0, atol=twin.tolerance
    )


LAYERS: dict[str, tuple[Callable[[], nn.Module], Callable[[], layers.Layer], tuple[int, ...]]] = {
    "Linear without bias": (lambda: nn.Linear(3, 2, bias=False), lambda: layers.Dense(2, use_bias=False), (1, 3)),
    "Conv1d": (lambda: nn.Conv1d(4, 6, 2, groups=2), lambda: layers.Conv1D(6, 2, groups=2), (1, 5, 4)),
    "BatchNorm1d without scale": (
        lambda: nn.BatchNorm1d(3, affine=False),
        lambda: layers.BatchNormalization(center=False, scale=False),
        (2, 3),
    ),
    "LayerNorm of two axes": (lambda: nn.LayerNorm((4, 3)), lambda: layers.LayerNormalization((-2, -1)), (2, 4, 3)),
    "MultiheadAttention of other features": (
        lambda: nn.MultiheadAttention(6, 2, kdim=5, vdim=4, batch_first=True),
        lambda: layers.MultiHeadAttention(2, 3),
        (1, 2, 6),
    ),
    "MultiheadAttention without bias": (
        lambda: nn.MultiheadAttention(6, 3, bias=False, batch_first=True),
        lambda: layers.MultiHeadAttention(3, 2, use_bias=False),
        (1, 2, 6),
    ),
    "LSTM without bias": (lambda: nn.LSTM(3, 2, bias=False), lambda: layers.LSTM(2, use_bias=False), (1, 2, 3)),
    "GRU without bias": (lambda: nn.GRU(3, 2, bias=False), lambda: layers.GRU(2, use_bias=False), (1, 2, 3)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_each_form_of_a_layer_comes_back_to_the_bit(name: str, tmp_path: Path) -> None:
    make_theirs, make_ours, shape = LAYERS[name]
    torch.manual_seed(0)
    theirs, ours = make_theirs(), make_ours()
    x = asarray(np.ones(shape, np.float32))
    if "other features" in name:
        key, value = (asarray(np.ones((1, 2, features), np.float32)) for features in (5, 4))
        ours(x, value, key)
    elif isinstance(ours, layers.MultiHeadAttention):
        ours(x, x)
    else:
        ours(x)
    torch.save(theirs.state_dict(), tmp_path / "a.pt")
    convert(tmp_path / "a.pt", tmp_path / "a", like=ours)
    dovetail_checkpointing.restore(tmp_path / "a", ours, unexpected="ignore")
    convert(tmp_path / "a", tmp_path / "b.pt", like=ours)
    again = torch.load(tmp_path / "b.pt", weights_only=True)
    assert {key: bits(one) for key, one in again.items()} == {
        key: bits(one) for key, one in theirs.state_dict().items()
    }


def _everything() -> dict[str, Any]:
    generator = torch.Generator().manual_seed(0)
    base = torch.arange(24.0).reshape(2, 3, 4)
    first, second = (torch.randn(3, dtype=torch.complex64, generator=generator) for _ in range(2))
    dtypes = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float8_e4m3fn float8_e5m2 bfloat16 float16 float32"
    return {
        **{name: (base * 3).to(getattr(torch, name)) for name in f"{dtypes} float64 complex64 complex128".split()},
        "view": base[1, :, 1:3],
        "transposed": base.transpose(0, 2),
        "scalar": torch.tensor(3.5),
        "empty": torch.zeros(0, 4),
        "expanded": torch.ones(1, 3).expand(5, 3),
        "parameter": nn.Parameter(torch.ones(2)),
        "conjugate": first.conj(),
        "negative": second.conj().imag,
        "tied": base,
        "also tied": base,
    }


def test_every_kind_of_tensor_is_read_as_pytorch_does(tmp_path: Path) -> None:
    tensors = _everything()
    torch.save({"model": tensors, "list": [tensors["view"]], "epoch": 3}, tmp_path / "a.pt")
    convert(tmp_path / "a.pt", tmp_path / "b.pt")
    again = torch.load(tmp_path / "b.pt", weights_only=True)
    assert again.pop("epoch") == 3
    expected = {f"model.{name}": tensor for name, tensor in tensors.items()} | {"list.0": tensors["view"]}
    for name, tensor in expected.items():
        assert bits(again[name]) == bits(tensor.resolve_conj().resolve_neg()), name
    assert again["model.tied"].data_ptr() == again["model.also tied"].data_ptr()
    mapped = torch.load(tmp_path / "b.pt", weights_only=True, mmap=True)
    assert torch.equal(mapped["model.view"], tensors["view"])


def test_a_whole_module_is_refused_by_name_and_read_by_pytorch_on_request(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(2, 3))
    torch.save(model, tmp_path / "a.pt")
    with pytest.raises(CheckpointUnsafeError, match=r"torch\.nn\.modules\.container\.Sequential") as caught:
        convert(tmp_path / "a.pt", tmp_path / "b.pt")
    assert "allow_code_execution=True" in str(caught.value)
    convert(tmp_path / "a.pt", tmp_path / "b.pt", allow_code_execution=True)
    again = torch.load(tmp_path / "b.pt", weights_only=True)
    assert {name: bits(one) for name, one in again.items()} == {
        name: bits(one) for name, one in model.state_dict().items()
    }


def test_a_file_that_runs_code_cannot_reach_the_network_or_other_programs(tmp_path: Path) -> None:
    class Run:
        def __init__(self, *call: Any) -> None:
            self.call = call

        def __reduce__(self) -> Any:
            return self.call[0], self.call[1:]

    import os
    import socket

    for name, call in {"program": (os.system, f"touch {tmp_path}/touched"), "network": (socket.socket,)}.items():
        torch.save({"a": Run(*call)}, tmp_path / f"{name}.pt")
        with pytest.raises(Exception, match=r"doesn't do this|not permitted"):
            convert(tmp_path / f"{name}.pt", tmp_path / "b.pt", allow_code_execution=True)
    assert not (tmp_path / "touched").exists()


def test_what_does_not_fit_is_listed_whole(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(3, 2), "extra": torch.zeros(1)}, tmp_path / "a.pt")
    ours = layers.Dense(4)
    ours(asarray(np.ones((1, 2), np.float32)))
    with pytest.raises(CheckpointMismatchError, match="3 differences") as caught:
        convert(tmp_path / "a.pt", tmp_path / "a", like=ours)
    for part in ("kernel [2, 4]: weight [3, 2] doesn't fit", "missing: bias", "extra [1]: belongs to no layer"):
        assert part in str(caught.value)
    assert not (tmp_path / "a").exists()
