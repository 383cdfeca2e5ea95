"""Nested containers."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dovetail_autodiff.structure import broadcast_prefix, flatten, flatten_like, leaf_paths, leaves_with_none, unflatten
from dovetail_protocols.errors import StructureError

Pair = namedtuple("Pair", ["left", "right"])
trees = st.recursive(
    st.integers() | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.sampled_from("abc"), inner)
        | st.builds(Pair, inner, inner)
        | st.dictionaries(st.sampled_from("abc"), inner).map(OrderedDict)
    ),
    max_leaves=12,
)


@given(trees)
def test_flatten_and_unflatten_are_inverse(tree: Any) -> None:
    leaves, structure = flatten(tree)
    assert None not in leaves
    rebuilt = unflatten(structure, leaves)
    assert rebuilt == tree
    assert type(rebuilt) is type(tree)


def test_paths_say_how_to_index() -> None:
    assert leaf_paths({"a": [1, Pair(2, None)], "b": (3,)}) == ["['a'][0]", "['a'][1].left", "['b'][0]"]
    assert leaf_paths(1) == [""]


def test_flatten_like_names_what_differs() -> None:
    _, structure = flatten([1, (2, 3)])
    assert flatten_like(structure, [4, (5, 6)], what="it") == [4, 5, 6]
    with pytest.raises(StructureError) as caught:
        flatten_like(structure, [4, 5], what="the thing")
    assert str(caught.value).splitlines()[0] == "the thing has another structure"
    assert "[*, (*, *)]" in str(caught.value)


def test_broadcast_prefix_repeats_over_branches() -> None:
    _, structure = flatten(({"a": 1, "b": 2}, [3, 4], 5))
    assert broadcast_prefix((0, [1, None], None), structure, what="axes") == [0, 0, 1, None, None]
    with pytest.raises(StructureError, match="axes doesn't fit"):
        broadcast_prefix((0, 1), structure, what="axes")


def test_none_as_a_leaf() -> None:
    assert leaves_with_none([1, None, (None, 2)]) == [1, None, None, 2]
