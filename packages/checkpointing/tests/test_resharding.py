"""What N ranks saved is what M ranks restore, in parts of any sizes along any axes."""

from __future__ import annotations

import tracemalloc
from math import prod
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dovetail_checkpointing import LocalFileSystem, Shard, even_slices, open, restore, run_threads, save, save_sharded
from dovetail_protocols.errors import CheckpointMismatchError, IndexRangeError

RANKS = 16
Slices = tuple[slice, ...]


@st.composite
def tilings(draw: st.DrawFn, shape: tuple[int, ...]) -> list[Slices]:
    """A tensor cut into a part for each of some ranks; parts may be empty, and tile it in no regular way."""
    parts: list[Slices] = [tuple(slice(0, size) for size in shape)]
    for _ in range(draw(st.integers(0, RANKS - 1)) if shape else 0):
        part = parts.pop(draw(st.integers(0, len(parts) - 1)))
        axis = draw(st.integers(0, len(shape) - 1))
        at = draw(st.integers(part[axis].start, part[axis].stop))
        for cut in (slice(part[axis].start, at), slice(at, part[axis].stop)):
            parts.append((*part[:axis], cut, *part[axis + 1 :]))
    return parts


@st.composite
def reshardings(draw: st.DrawFn) -> tuple[np.ndarray[Any, Any], list[Slices], list[Slices]]:
    shape = tuple(draw(st.lists(st.integers(0, 7), max_size=4)))
    dtype = draw(st.sampled_from(["float32", "int8", "complex128", "bool"]))
    values = np.random.default_rng(draw(st.integers(0, 99))).integers(0, 100, shape)
    return values.astype(dtype), draw(tilings(shape)), draw(tilings(shape))


def shard(whole: np.ndarray[Any, Any], part: Slices) -> Shard:
    return Shard(whole[part].copy(), [one.start for one in part], whole.shape)


@settings(max_examples=40, deadline=None)  # `nox -s crash` tries 10,000
@given(drawn=reshardings())
def test_any_parts_come_back_as_any_other_parts(
    drawn: tuple[np.ndarray[Any, Any], list[Slices], list[Slices]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    whole, saved, wanted = drawn
    path = tmp_path_factory.mktemp("shards") / "step-1"
    run = run_threads(
        len(saved),
        lambda ranks: save_sharded(
            path, {"w": shard(whole, saved[ranks.rank])}, communicator=ranks, durability="process"
        ),
    )
    assert len({receipt.digest for receipt in run}) == 1
    assert np.array_equal(restore(path).tree["w"], whole)
    for part in wanted:
        blank = np.full_like(whole[part], 1)
        restored = restore(path, {"w": Shard(blank, [one.start for one in part], whole.shape)}).tree["w"]
        assert np.array_equal(restored.value, whole[part])
        assert restored.slices == part


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_slices_read_what_numpy_gives(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    shape = tuple(data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=3)))
    whole = np.arange(prod(shape)).reshape(shape)
    saved = data.draw(tilings(shape))
    path = tmp_path_factory.mktemp("slices") / "c"
    run_threads(
        len(saved),
        lambda ranks: save_sharded(
            path, {"w": shard(whole, saved[ranks.rank])}, communicator=ranks, durability="process"
        ),
    )
    with open(path) as reader:
        for _ in range(4):
            steps = st.builds(slice, st.none() | st.integers(-7, 7), st.none() | st.integers(-7, 7), st.integers(1, 3))
            index = tuple(data.draw(steps | st.integers(-size, size - 1)) for size in shape)
            assert np.array_equal(reader.read("w", index), whole[index])


def test_sharding_picks_parts_of_a_checkpoint_that_one_process_saved(tmp_path: Path) -> None:
    kernel = np.arange(35.0).reshape(5, 7)
    save(tmp_path / "step-1", {"kernel": kernel, "bias": np.ones(3)})
    for rank in range(3):
        part = even_slices(kernel.shape, 1, rank, 3)
        tree = restore(
            tmp_path / "step-1", sharding=lambda name, shape, part=part: part if name == "kernel" else None
        ).tree
        assert np.array_equal(tree["kernel"].value, kernel[part])
        assert tree["kernel"].shape == kernel.shape
        assert np.array_equal(tree["bias"], np.ones(3))


def test_sharding_restores_variables_of_modules_in_place(tmp_path: Path, variable: Any, module: Any) -> None:
    kernel = np.arange(35.0).reshape(5, 7)
    save(tmp_path / "step-1", {"model": module(kernel=variable(kernel), bias=variable(np.ones(7)))})
    target = module(kernel=variable(np.zeros((5, 3))), bias=variable(np.zeros(7)))
    restore(
        tmp_path / "step-1",
        {"model": target},
        sharding=lambda name, shape: np.s_[:, 2:5] if name == "model/kernel" else None,
    )
    assert np.array_equal(target.children["kernel"].payload, kernel[:, 2:5])
    assert np.array_equal(target.children["bias"].payload, np.ones(7))


def test_variable_of_another_shape_than_its_part_is_refused(tmp_path: Path, variable: Any) -> None:
    save(tmp_path / "step-1", {"w": np.ones((5, 7))})
    target = variable(np.zeros((5, 4)))
    with pytest.raises(CheckpointMismatchError, match=r"of which a part of shape \(5, 3\) is wanted"):
        restore(tmp_path / "step-1", {"w": target}, sharding=lambda name, shape: np.s_[:, 2:5])
    assert not target.payload.any()
    with pytest.raises(CheckpointMismatchError, match=r"the target a part of"):
        restore(tmp_path / "step-1", {"w": Shard(target, (0, 0), (5, 8))})


def test_sharding_that_drops_an_axis_or_skips_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "step-1", {"w": np.ones((5, 7))})
    for part in ((2,), np.s_[::2]):
        with pytest.raises(IndexRangeError, match="no part of a tensor that a rank can have"):
            restore(
                tmp_path / "step-1", sharding=lambda name, shape, part=part: part if part != np.s_[::2] else (part,)
            )


def test_one_tensor_fills_several_shards(tmp_path: Path) -> None:
    whole = np.arange(12.0).reshape(4, 3)
    save(tmp_path / "step-1", {"w": whole})
    target = {"a": Shard(np.zeros((2, 3)), (0, 0), (4, 3)), "b": Shard(np.zeros((3, 3)), (1, 0), (4, 3))}
    tree = restore(tmp_path / "step-1", target, rename={"a": "w", "b": "w"}).tree
    assert np.array_equal(tree["a"].value, whole[:2])
    assert np.array_equal(tree["b"].value, whole[1:])


class CountingFileSystem(LocalFileSystem):
    """Counts the bytes that are read."""

    def __init__(self) -> None:
        self.count = 0

    def open_folder(self, path: PurePath) -> Any:
        folder, counting = super().open_folder(path), self
        opened = folder.open

        def open_counted(name: str) -> Any:
            file = opened(name)
            read = file.read_into

            def read_into(offset: int, *buffers: memoryview) -> int:
                counting.count += sum(buffer.nbytes for buffer in buffers)
                return read(offset, *buffers)

            file.read_into = read_into  # type: ignore[method-assign]  # a counter in its place
            return file

        folder.open = open_counted  # type: ignore[method-assign]  # a counter in its place
        return folder


MIB = 1 << 20


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tensor of 64 MiB in one file, beside a thousand small ones in another."""
    path = tmp_path_factory.mktemp("large") / "step-1"
    whole = np.arange(16 * MIB, dtype=np.float32).reshape(4096, 4096)
    small = {str(place): np.full((4, 4), place, np.float32) for place in range(1000)}
    save(path, {"large": {"w": whole}, "small": small}, durability="process", digests=["crc32"])
    return path


@pytest.mark.parametrize("axis", [0, 1])
def test_rank_takes_little_more_memory_than_its_part(large: Path, axis: int) -> None:
    target = {"large": {"w": Shard(np.zeros(even(axis), np.float32), starts(axis), (4096, 4096))}}
    tracemalloc.start()
    try:
        restored = restore(large, target, only="large/*").tree["large"]["w"]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert restored.value[0, 0] == starts(axis)[0] * 4096 + starts(axis)[1]
    assert peak < 16 * MIB + 3 * 8 * MIB  # the part, and three chunks; the tensor has 64 MiB


def test_rank_reads_only_the_chunks_of_its_part(large: Path) -> None:
    storage = CountingFileSystem()
    target = {"large": {"w": Shard(np.zeros(even(0), np.float32), starts(0), (4096, 4096))}}
    restore(large, target, only="large/*", file_system=storage)
    assert storage.count < 16 * MIB + MIB


def test_small_parts_of_one_chunk_are_read_together(large: Path) -> None:
    storage = CountingFileSystem()
    tree = restore(
        large,
        only="small/*",
        sharding=lambda name, shape: np.s_[:, 1:3] if name.startswith("small") else None,
        file_system=storage,
    ).tree
    assert tree["small"]["7"].value.tolist() == [[7, 7]] * 4
    assert storage.count < MIB


def even(axis: int) -> tuple[int, int]:
    return (1024, 4096) if axis == 0 else (4096, 1024)


def starts(axis: int) -> tuple[int, int]:
    return (2048, 0) if axis == 0 else (0, 2048)
