"""kernels-xla proves itself: its device, its kernels, its compiler.

Compiling takes XLA tens of milliseconds for each call. So kernels are tried in float32 here, and single operations as
kernels only; with DOVETAIL_XLA_CONFORMANCE=full everything is tried, which takes some twenty minutes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import jax
import pytest

from dovetail_conformance import compiler_suite, device_suite, kernel_suite

from .xla_cases import CASES

FULL = os.environ.get("DOVETAIL_XLA_CONFORMANCE") == "full"


@pytest.fixture(autouse=True, scope="module")
def programs_are_kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Each level binds its calls anew; JAX then finds the program in its cache on disk."""
    chosen = {
        "jax_compilation_cache_dir": str(tmp_path_factory.mktemp("programs")),
        "jax_persistent_cache_min_compile_time_secs": 0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    before = {name: getattr(jax.config, name) for name in chosen}
    for name, value in chosen.items():
        jax.config.update(name, value)
    yield
    for name, value in before.items():
        jax.config.update(name, value)


TestXlaDevice = device_suite("xla")
TestXlaKernels = kernel_suite(
    "xla", cases=CASES, dtypes=None if FULL else {"float32"}, limits="xla_kernel_limits.toml" if FULL else None
)


class TestXlaCompiler(compiler_suite("xla", device="xla", limits="xla_compiler_limits.toml" if FULL else None)):  # type: ignore[misc] # made here
    """Graphs as programs."""

    if not FULL:
        test_l1_proved = test_l1_honesty = test_l2_numbers = test_l3_contract = None
