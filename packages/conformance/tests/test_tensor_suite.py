"""The tensor suite catches faulty tensor packages, and lets a right one pass."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FAULTS = {
    "Copying": "test_wrap_keeps_buffer_and_meta",
    "Aliasing": "test_an_array_does_not_change_with_what_it_was_made_of",
    "Doubling": "test_convert_gives_python_numbers_their_dtype",
    "Greedy": "test_is_array_knows_its_own",
    "Overwriting": "test_replace_puts_another_buffer_in_force",
    "Listing": "test_evaluate_gives_several_results_as_a_tuple",
    "Confused": "test_a_refused_assignment_changes_nothing",
}
"""Provider in PROVIDERS → a test that must fail for it."""

PROVIDERS = '''
import numpy as np
from dovetail_conformance import tensor_suite
from dovetail_protocols import operations as ops
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.plugins import find

RIGHT = find("dovetail.tensors.v1")[0].load()


class Right:
    """Hands all to the installed package."""

    def evaluate(self, operation, operands, attributes):
        return RIGHT.evaluate(operation, operands, attributes)

    def convert(self, value, dtype=None, device=None):
        return RIGHT.convert(value, dtype, device)

    def wrap(self, payload, meta):
        return RIGHT.wrap(payload, meta)

    def variable(self, value, *, name=None, trainable=True):
        return RIGHT.variable(value, name=name, trainable=trainable)

    def is_array(self, value):
        return RIGHT.is_array(value)


class Copying(Right):
    def wrap(self, payload, meta):
        return RIGHT.wrap(payload.copy() if isinstance(payload, np.ndarray) else payload, meta)


class Aliasing(Right):
    def convert(self, value, dtype=None, device=None):
        if type(value) is np.ndarray and dtype is None:
            return RIGHT.wrap(value, TensorMeta(value.shape, RIGHT.convert(value).dtype))
        return RIGHT.convert(value, dtype, device)


class Doubling(Right):
    def convert(self, value, dtype=None, device=None):
        return RIGHT.convert(np.asarray(value) if type(value) is float and dtype is None else value, dtype, device)


class Greedy(Right):
    def is_array(self, value):
        return RIGHT.is_array(value) or type(value) is np.ndarray


class OverwritingVariable:
    def __init__(self, variable):
        self.name, self.trainable = variable.name, variable.trainable
        self.meta, self.payload = variable.meta, variable.payload.copy()

    def replace(self, payload):
        self.payload[...] = payload

    def snapshot(self):
        return RIGHT.wrap(self.payload, self.meta)


class Overwriting(Right):
    def variable(self, value, *, name=None, trainable=True):
        return OverwritingVariable(RIGHT.variable(value, name=name, trainable=trainable))


class Listing(Right):
    def evaluate(self, operation, operands, attributes):
        result = RIGHT.evaluate(operation, operands, attributes)
        return list(result) if isinstance(result, tuple) else result


class Confused(Right):
    def evaluate(self, operation, operands, attributes):
        if operation is ops.assign_variable:
            operands[0].replace(operands[1].payload)
        return RIGHT.evaluate(operation, operands, attributes)


'''


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Provider → the names of the tests that failed, from one pytest process for all."""
    module = tmp_path_factory.mktemp("suites") / "test_providers.py"
    names = ["Right", *FAULTS]
    module.write_text(PROVIDERS + "".join(f"Test{name} = tensor_suite({name}())\n" for name in names))
    return _failures(module, names)


def _failures(module: Path, names: list[str]) -> dict[str, set[str]]:
    command = [sys.executable, "-m", "pytest", "-q", "-rfE", "--tb=no", "-p", "no:cacheprovider", str(module)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    environment.pop("PYTEST_XDIST_WORKER", None)
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, cwd=module.parent, timeout=120, check=False
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    assert " passed" in done.stdout
    failures: dict[str, set[str]] = {name: set() for name in names}
    for line in done.stdout.splitlines():
        if line.startswith(("FAILED", "ERROR")):
            _, suite, test = line.split(" ")[1].split("::")
            failures[suite.removeprefix("Test")].add(test.partition("[")[0])
    return failures


def test_right_provider_passes(failed: dict[str, set[str]]) -> None:
    assert failed["Right"] == set()


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_caught(failed: dict[str, set[str]], name: str) -> None:
    assert FAULTS[name] in failed[name]
