"""Matrix products on instruction sets below the machine's own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dovetail_kernels_llvm.codegen.isa import VARIABLE


@pytest.mark.skipif(VARIABLE in os.environ, reason="another set was asked for")
@pytest.mark.parametrize("name", ["avx2", "sse2"])
def test_lesser_instruction_sets_agree(name):
    files = [str(Path(__file__).with_name(f"test_{file}.py")) for file in ("matmul", "matmul_epilogue")]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *files]
    done = subprocess.run(command, env={**os.environ, VARIABLE: name}, capture_output=True, text=True)
    if "no such instruction set" in done.stdout:
        pytest.skip(f"no {name} here")
    assert done.returncode == 0, done.stdout
