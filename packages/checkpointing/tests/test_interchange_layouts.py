"""Names and weight layouts, on modules of no framework: what is matched, what is refused, and what it says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dovetail_checkpointing
from dovetail_checkpointing.interchange import NameMap, convert, layouts
from dovetail_checkpointing.interchange.contents import StoredArray
from dovetail_protocols.errors import (
    AttributeValueError,
    CheckpointError,
    CheckpointMismatchError,
    InvalidNameError,
    StructureError,
)

Array = np.ndarray[Any, Any]


class Laid:
    """A module that says what its variables are."""

    def __init__(self, weight_layout: str, **children: Any) -> None:
        self.weight_layout, self.children = weight_layout, children

    def checkpoint_state(self) -> Mapping[str, Any]:
        return self.children

    def load_checkpoint_state(self, scalars: Mapping[str, Any]) -> None:
        pass


def numbered(*shape: int) -> Array:
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def stored(arrays: Mapping[str, Array]) -> dict[str, StoredArray]:
    return {name: StoredArray.of(array) for name, array in arrays.items()}


# Names


@pytest.mark.parametrize(
    ("patterns", "old", "new"),
    [
        ({}, "a.b.c", "a/b/c"),
        ({"a.*": "x/*"}, "a.b.c", "x/b/c"),
        ({"a.*": "*"}, "a.b.c", "b/c"),
        ({"a.*.c": "x/*/y"}, "a.1.2.c", "x/1/2/y"),
        ({"*.a.*": "*/b/*"}, "x.y.a.z", "x/y/b/z"),
        ({"a.b": "x", "a.*": "y/*"}, "a.b", "x"),
        ({"a": "x"}, "a.b", "a/b"),
        ({"a+b": "x"}, "aab", "aab"),
    ],
)
def test_the_first_pattern_that_fits_names_and_the_rest_is_translated(patterns: Any, old: str, new: str) -> None:
    assert NameMap(patterns)(old, ".", "/") == new


def test_patterns_that_lead_nowhere_are_refused() -> None:
    with pytest.raises(InvalidNameError, match="stars"):
        NameMap({"a.*": "b"})
    with pytest.raises(InvalidNameError, match="no way back"):
        NameMap({"a": "x", "b": "x"}).inverse()


@pytest.mark.parametrize(
    ("patterns", "got", "fix"),
    [
        ({"encoder.*": "e/*", "encodr.*": "f/*"}, "'encodr.*'", "did you mean 'encoder.*'?"),
        ({"encoder/*": "e/*"}, "'encoder/*'", "did you mean 'encoder.*'?"),
        ({"head.weigth": "h"}, "'head.weigth'", "did you mean 'head.weight'?"),
        ({"x": "y", "z": "a", "*": "b*"}, "'x', 'z'", "names here are such as 'encoder.0.weight'"),
    ],
)
def test_patterns_that_fit_no_name_are_told_and_nothing_is_written(
    tmp_path: Path, patterns: dict[str, str], got: str, fix: str
) -> None:
    arrays = {"encoder.0.weight": numbered(2), "encoder.1.weight": numbered(2), "head.weight": numbered(1)}
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(AttributeValueError, match="no name fits") as caught:
        convert(tmp_path / "a.npz", tmp_path / "a", names=patterns)
    assert (caught.value.got, caught.value.fix) == (got, fix)
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


def test_patterns_for_the_way_back_must_fit_names_of_the_layers(tmp_path: Path, variable: Any, module: Any) -> None:
    model = module(first=Laid("dense", kernel=variable(numbered(2, 3)), bias=variable(numbered(3))))
    dovetail_checkpointing.save(tmp_path / "a", model)
    names = {"first/*": "one.*", "firts/*": "two.*"}
    with pytest.raises(AttributeValueError, match="did you mean 'first/\\*'"):
        convert(tmp_path / "a", tmp_path / "a.pt", like=model, names=names, unexpected="drop")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    del names["firts/*"]
    converted = convert(tmp_path / "a", tmp_path / "a.pt", like=model, names=names, unexpected="drop")
    assert converted.arrays == ("one.weight", "one.bias")


def test_two_names_that_become_one_are_refused(tmp_path: Path) -> None:
    dovetail_checkpointing.save(tmp_path / "a", {"x": numbered(1), "y": numbered(1)})
    with pytest.raises(CheckpointMismatchError, match="two names become one"):
        convert(tmp_path / "a", tmp_path / "a.npz", names={"y": "x"})


def test_a_separator_of_the_target_inside_of_a_name_is_refused_until_it_is_mapped(tmp_path: Path) -> None:
    dovetail_checkpointing.save(tmp_path / "a", {"a.b": numbered(1)})
    with pytest.raises(CheckpointMismatchError, match="separates the parts"):
        convert(tmp_path / "a", tmp_path / "a.pt")
    assert convert(tmp_path / "a", tmp_path / "a.pt", names={"a.b": "a_b"}).arrays == ("a_b",)


def test_a_name_that_is_the_begin_of_another_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **{"a": numbered(1), "a/b": numbered(1)})
    with pytest.raises(CheckpointMismatchError, match="begin of another"):
        convert(tmp_path / "a.npz", tmp_path / "a")


def test_whole_numbers_become_keys_of_lists_and_others_stay(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **{"layers/0/w": numbered(1), "layers/00/w": numbered(2)})
    convert(tmp_path / "a.npz", tmp_path / "a")
    assert sorted(map(repr, dovetail_checkpointing.restore(tmp_path / "a").tree["layers"])) == ["'00'", "0"]


# Layouts


def test_a_module_is_described_by_paths_layouts_and_shapes(variable: Any, module: Any) -> None:
    dense = Laid("dense", kernel=variable(numbered(2, 3)), bias=variable(numbered(3)))
    found = layouts.of(module(first=dense, again=dense, scale=variable(numbered(1))))
    assert found["first"] == layouts.Layer("dense", {"kernel": (2, 3), "bias": (3,)})
    assert found[""] == layouts.Layer(None, {"scale": (1,)})
    assert sorted(found) == ["", "first"]


def test_a_module_that_is_not_built_is_refused(module: Any) -> None:
    with pytest.raises(StructureError, match="no variables") as caught:
        layouts.of(module())
    assert "call it once" in str(caught.value.fix)


def test_a_transposed_convolution_swaps_its_channels_and_keeps_its_window(variable: Any) -> None:
    """Source: the shapes in the documentation of torch.nn.ConvTranspose2d and keras.layers.Conv2DTranspose."""
    like = layouts.of(Laid("transposed_convolution", kernel=variable(numbered(3, 2, 5, 4)), bias=variable(numbered(5))))
    weight = numbered(4, 5, 3, 2)
    moved = layouts.into_dovetail(stored({"weight": weight, "bias": numbered(5)}), "pytorch", like)
    kernel = moved.arrays["kernel"].read()
    assert all(
        kernel[h, w, o, i] == weight[i, o, h, w] for i in range(4) for o in range(5) for h in range(3) for w in (0, 1)
    )
    back = layouts.from_dovetail(moved.arrays, "pytorch", like)
    assert np.array_equal(back.arrays["weight"].read(), weight)
    keras = layouts.from_dovetail(moved.arrays, "keras", like)
    assert np.array_equal(keras.arrays["vars/0"].read(), kernel)


def test_group_normalization_is_named_as_any_normalization(variable: Any) -> None:
    like = layouts.of(Laid("group_normalization", gamma=variable(numbered(2)), beta=variable(numbered(2))))
    arrays = stored({"weight": numbered(2), "bias": -numbered(2)})
    assert sorted(layouts.into_dovetail(arrays, "pytorch", like).arrays) == ["beta", "gamma"]


def test_variables_of_a_module_that_says_nothing_are_taken_by_name(variable: Any, module: Any) -> None:
    like = layouts.of(module(inner=module(w=variable(numbered(2, 2)))))
    moved = layouts.into_dovetail(stored({"inner/w": numbered(2, 2), "inner/v": numbered(1)}), "pytorch", like)
    assert np.array_equal(moved.arrays["inner/w"].read(), numbered(2, 2))
    assert list(moved.unexpected) == ["inner/v"]


def test_variables_without_counterpart_are_neither_wanted_nor_written(variable: Any) -> None:
    like = layouts.of(Laid("embedding", embeddings=variable(numbered(2, 3)), random_state=variable(numbered(3))))
    moved = layouts.into_dovetail(stored({"weight": numbered(2, 3)}), "pytorch", like)
    assert (list(moved.arrays), moved.missing) == (["embeddings"], [])
    saved = stored({"embeddings": numbered(2, 3), "random_state": numbered(3)})
    assert list(layouts.from_dovetail(saved, "pytorch", like).arrays) == ["weight"]


def test_an_attention_that_pytorch_lacks_is_refused(variable: Any) -> None:
    shapes = {name: variable(numbered(5, 2, 3)) for name in ("query_kernel", "key_kernel", "value_kernel")}
    like = layouts.of(Laid("multi_head_attention", **shapes, output_kernel=variable(numbered(2, 3, 5))))
    with pytest.raises(CheckpointMismatchError, match="no attention of this shape"):
        layouts.into_dovetail({}, "pytorch", like)


def test_an_unknown_layout_is_refused_with_those_that_are_known(variable: Any, module: Any) -> None:
    like = layouts.of(module(odd=Laid("spline", knots=variable(numbered(3)))))
    with pytest.raises(CheckpointMismatchError, match="no counterpart") as caught:
        layouts.into_dovetail({}, "keras", like)
    assert caught.value.where == "odd"
    assert "multi_head_attention" in str(caught.value.expected)


def test_between_two_foreign_layouts_there_is_no_direct_way(variable: Any, tmp_path: Path) -> None:
    dovetail_checkpointing.save(tmp_path / "a", {"w": numbered(1)})
    convert(tmp_path / "a", tmp_path / "a.safetensors")
    like = Laid("dense", kernel=variable(numbered(1, 1)))
    with pytest.raises(CheckpointError, match="on one side") as caught:
        convert(tmp_path / "a.safetensors", tmp_path / "b", like=like)
    assert "source_layout=" in str(caught.value.fix)


def test_what_belongs_to_no_layer_is_kept_or_dropped_on_request(variable: Any, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", weight=numbered(3, 2), optimizer=numbered(1))
    like = Laid("dense", kernel=variable(numbered(2, 3)))
    options: dict[str, Any] = {"like": like, "source_layout": "pytorch"}
    with pytest.raises(CheckpointMismatchError, match="belongs to no layer"):
        convert(tmp_path / "a.npz", tmp_path / "error", **options)
    assert convert(tmp_path / "a.npz", tmp_path / "b", unexpected="drop", **options).dropped == ("optimizer",)
    convert(tmp_path / "a.npz", tmp_path / "c", unexpected="keep", **options)
    tree = dovetail_checkpointing.restore(tmp_path / "c").tree
    assert np.array_equal(tree["kernel"], numbered(3, 2).T)
    assert np.array_equal(tree["optimizer"], numbered(1))


def test_plain_values_beside_a_module_are_as_unexpected_as_arrays(variable: Any, tmp_path: Path) -> None:
    dovetail_checkpointing.save(tmp_path / "a", {"kernel": numbered(2, 3), "epoch": 3})
    like = Laid("dense", kernel=variable(numbered(2, 3)))
    with pytest.raises(CheckpointMismatchError, match="epoch: is no array"):
        convert(tmp_path / "a", tmp_path / "a.pt", like=like)
    assert convert(tmp_path / "a", tmp_path / "a.pt", like=like, unexpected="drop").dropped == ("epoch",)
    assert convert(tmp_path / "a", tmp_path / "b.pt", like=like, unexpected="keep").scalars == ("epoch",)
