"""What was written for a released minor version of a protocol works with every later one.

The files in `old_implementers/` are frozen: a test that fails here has found a broken promise, not an old file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols import provider, selection, use_provider
from dovetail_protocols.compilers import CompileOptions, Compiler
from dovetail_protocols.errors import KernelNotFoundError
from dovetail_protocols.kernels import KernelPackage, SupportsDestination
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.plugins import find, quarantined
from dovetail_protocols.roles import Array, TensorProvider, VariableLike
from dovetail_protocols.tracing import trace

from .conftest import Site

FOLDER = Path(__file__).parent / "old_implementers"
FROZEN = {
    "compiler_1_0.py": "f083f98438b531c2b14480df9e02f65d388e2347311d08741a4bf40b6f2c3fd0",
    "kernels_1_0.py": "de0e777a494e4e7dcea1fc325d8389933528699ba20210ad15b0648656732778",
    "tensors_1_0.py": "3b960de424bf4441ff6cbb36d51d5d6224eea9b38efc944c43261617d4080a9f",
}
ENTRY_POINTS = """
[dovetail.kernels.v1]
old = kernels_1_0:PACKAGE
[dovetail.compilers.v1]
old = compiler_1_0:COMPILER
[dovetail.tensors.v1]
old = tensors_1_0:PROVIDER
"""


@pytest.fixture
def installed(site: Site) -> Iterator[Site]:
    """The old implementers as one distribution, and their tensor package found like any other."""
    site.install("old", "1.0", ENTRY_POINTS, {path.stem: path.read_text("utf-8") for path in FOLDER.glob("*.py")})
    before = use_provider(None)
    yield site
    use_provider(before)


def load(group: str) -> Any:
    (plugin,) = find(group)
    return plugin.load()


def test_the_files_are_as_they_were_when_they_were_frozen() -> None:
    digests = {
        path.name: hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest() for path in FOLDER.glob("*.py")
    }
    assert digests == FROZEN


def test_they_still_play_their_roles(installed: Site) -> None:
    assert isinstance(load("dovetail.kernels.v1"), KernelPackage)
    assert isinstance(load("dovetail.compilers.v1"), Compiler)
    assert isinstance(load("dovetail.tensors.v1"), TensorProvider)


def test_a_kernel_package_of_1_0_is_taken_whole(installed: Site) -> None:
    package = selection.packages()["old"]
    assert [spec.id for spec in package.specs] == ["add", "negative"]
    assert package.specs[0].binding == "per_shape"
    assert package.unusable is None
    assert quarantined() == {}


def test_a_tensor_package_of_1_0_evaluates_with_kernels_of_1_0(installed: Site) -> None:
    assert ops.add([1.0, 2.0], [3.0, 4.0]).payload == (4.0, 6.0)
    assert ops.negative([1.5]).payload == (-1.5,)
    assert isinstance(ops.negative([1.5]), Array)
    with pytest.raises(KernelNotFoundError, match="old/add: no broadcasting"):
        ops.add([1.0, 2.0], 3.0)


def test_variables_of_1_0_are_read_and_assigned(installed: Site) -> None:
    variable = provider().variable([1.0, 2.0], name="w")
    assert isinstance(variable, VariableLike)
    assert ops.assign_variable(variable, ops.add(variable, variable)).payload == (2.0, 4.0)
    assert ops.read_variable(variable).payload == variable.payload == (2.0, 4.0)


def test_a_kernel_of_1_0_writes_into_given_outputs(installed: Site) -> None:
    kernel = selection.select(ops.negative, (TensorMeta((2,), dt.float32),), {}).kernel
    assert isinstance(kernel, SupportsDestination)
    output = [0.0, 0.0]
    kernel.into([output], [(1.0, -2.0)])
    assert output == [-1.0, 2.0]


def test_a_compiler_of_1_0_claims_and_compiles_a_traced_graph(installed: Site) -> None:
    meta = TensorMeta((2,), dt.float32)
    graph = trace(lambda x, y: (ops.negative(ops.add(x, y)),), [meta, meta]).graph
    compiler = load("dovetail.compilers.v1")
    (claim,) = compiler.claim(graph)
    assert (claim.nodes, claim.refused) == (frozenset({0, 1}), ())
    assert compiler.compile(graph, CompileOptions())((1.0, 2.0), (3.0, 4.0)) == ((-4.0, -6.0),)
    other = trace(lambda x: (ops.tanh(x),), [meta]).graph
    assert compiler.claim(other)[0].refused == ((0, "tanh is unknown to it"),)
