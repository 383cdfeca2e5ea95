"""Implementers that were written for released minors, installed as a distribution, do real work under today's packages.

They are frozen: a test that fails here has found a broken promise, not an old file.
"""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from tools import packages

from .plugin_sites import declare, run_program

FROZEN = packages.ROOT / "packages" / "protocols" / "tests" / "old_implementers"
ENTRY_POINTS = """
[dovetail.kernels.v1]
old-device = device_1_0:KERNELS
old-operations = operations_1_0:PACKAGE
[dovetail.compilers.v1]
old = compiler_1_1:COMPILER
[dovetail.devices.v1]
absent = device_1_0:ABSENT
old = device_1_0:PACKAGE
[dovetail.autodiff.v1]
old = autodiff_1_0:PROVIDER
[dovetail.communicators.v1]
old = training_1_0:COMMUNICATOR
"""
PROGRAM = """
import json, sys, warnings
warnings.simplefilter("error")
import dovetail as dt
from dovetail_protocols.plugins import find, quarantined
from dovetail_protocols.plugins.versions import offered_by
from dovetail_protocols.registry import find_operation

assert not any(name.endswith("_1_0") or name.endswith("_1_1") for name in sys.modules)
found = {}
x, y = dt.constant([1.0, -2.0]), dt.constant([10.0, 20.0])

# a compiler of 1.1
@dt.function
def arithmetic(x, y):
    return -(x * y + x)
found["compiled"] = arithmetic(x, y).numpy().tolist()
found["explained"] = str(arithmetic.explain(x, y))
found["threads"] = [dt.kernels.threads(3), dt.kernels.threads()]
with dt.profile("profile.json"):
    arithmetic(x, y)
with open("profile.json") as file:
    found["profiled"] = [event["name"] for event in json.load(file)["traceEvents"] if event["ph"] == "X"]
counter = dt.Variable([0.0, 0.0])
@dt.function
def count(x):
    counter.assign(counter + x)
    return counter * 2.0
found["counted"] = [count(y).numpy().tolist() for _ in range(3)]

# a device of 1.0
import device_1_0
there = x.to_device("old:1")
copies = len(device_1_0.COPIES)
result = -(there * there + there)
found["on device"] = [str(result.device), len(device_1_0.COPIES) - copies, result.to_device("cpu").numpy().tolist()]
found["devices"] = [str(device) for device in dt.devices()]
try:
    x + there
except dt.errors.DeviceError as error:
    found["refused"] = str(error)

# operations of 1.0
flip, add_times = find_operation("old::flip"), find_operation("old::add_times")
def weigh(x, y):
    return dt.sum(flip(add_times(x, y, count=3)) * x)
found["eager"] = float(weigh(x, y))
found["traced"] = float(dt.function(weigh)(x, y))
found["gradients"] = [g.numpy().tolist() for g in dt.grad(weigh, argnums=(0, 1))(x, y)]
found["traced gradients"] = [g.numpy().tolist() for g in dt.function(dt.grad(weigh, argnums=(0, 1)))(x, y)]
found["second"] = dt.grad(lambda x: dt.sum(dt.grad(weigh)(x, y) * x))(x).numpy().tolist()
found["forward"] = [float(part) for part in dt.jvp(weigh, (x, y), (x, y))]
found["batched"] = dt.vmap(flip)(dt.constant([[1.0], [2.0]])).numpy().tolist()
import operations_1_0
found["rules"] = sorted(set(operations_1_0.CALLS))

# a differentiator of 1.0
(plugin,) = (plugin for plugin in find("dovetail.autodiff.v1") if plugin.name == "old")
value, gradients = offered_by(plugin).value_and_gradients(weigh, [x, y])
found["other differentiator"] = [float(value), [g.numpy().tolist() for g in gradients]]

# a module and an optimizer of 1.0, and roles of training
from training_1_0 import Descent, Scale
module, optimizer = Scale(), Descent()
def loss(module, x):
    return dt.sum(module(x))
module(x)
losses = []
for _ in range(2):
    value, gradients = dt.value_and_grad(loss)(module, x)
    optimizer.apply_gradients(zip(gradients, module.trainable_variables))
    losses.append(float(value))
found["losses"] = losses
manager = dt.checkpointing.Manager("run", max_to_keep=1)
manager.save(2, {"module": module, "optimizer": optimizer})
fresh, fresh_optimizer = Scale(), Descent()
fresh(x)
fresh_optimizer.build(fresh.trainable_variables)
manager.restore_latest({"module": fresh, "optimizer": fresh_optimizer})
found["restored"] = [fresh.factor.numpy().tolist(), fresh.calls, fresh_optimizer.steps]
found["sums"] = [variable.numpy().tolist() for variable in fresh_optimizer.variables]
class Net(dt.Module):
    def __init__(self):
        self.scale = module
found["variables"] = [variable.name for variable in Net().trainable_variables]
found["set aside"] = quarantined()
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a program finds that uses every old implementer, in a process that sees them on its path."""
    site = tmp_path_factory.mktemp("old-implementers")
    for path in FROZEN.glob("*.py"):
        shutil.copy(path, site)
    declare(site, "old-implementers", "1.0", ENTRY_POINTS)
    done = run_program(PROGRAM, site, DOVETAIL_KERNELS="-llvm,-xla")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_a_compiler_of_1_1_compiles_reports_and_is_profiled(found: dict[str, Any]) -> None:
    assert found["compiled"] == [-11.0, 42.0]
    assert "compiler old: 3" in found["explained"]
    assert "multiply+add+negative" in found["explained"]
    assert found["threads"] == [3, 3]
    assert found["profiled"] == ["multiply", "add", "negative"]


def test_a_compiler_of_1_1_keeps_state_in_donated_buffers(found: dict[str, Any]) -> None:
    assert found["counted"] == [[20.0, 40.0], [40.0, 80.0], [60.0, 120.0]]


def test_a_device_of_1_0_holds_arrays_and_runs_its_kernels_without_copies(found: dict[str, Any]) -> None:
    assert found["on device"] == ["old:1", 0, [-2.0, -2.0]]
    assert {"cpu", "old", "old:1"} <= set(found["devices"])
    assert "absent" not in found["devices"]
    assert "different devices" in found["refused"]


def test_operations_of_1_0_run_differentiate_and_batch(found: dict[str, Any]) -> None:
    x, y = [1.0, -2.0], [10.0, 20.0]
    value = sum(-(a + 3 * b) * a for a, b in zip(x, y, strict=True))
    assert found["eager"] == found["traced"] == value
    gradients = [[-(2 * a + 3 * b) for a, b in zip(x, y, strict=True)], [-3 * a for a in x]]
    assert found["gradients"] == found["traced gradients"] == gradients
    assert found["second"] == [-(4 * a + 3 * b) for a, b in zip(x, y, strict=True)]
    assert found["forward"] == [value, 2 * value]  # the function is of the second degree, and the direction its point
    assert found["batched"] == [[-1.0], [-2.0]]
    assert {"batching", "composite gradient", "gradient", "jvp"} == set(found["rules"])


def test_a_differentiator_of_1_0_agrees_with_todays(found: dict[str, Any]) -> None:
    assert found["other differentiator"] == [found["eager"], found["gradients"]]


def test_a_module_and_an_optimizer_of_1_0_train_and_are_restored(found: dict[str, Any]) -> None:
    assert found["losses"] == [-3.0, -5.5]  # Σ f·x at f = (1, 2), then at f − x/2
    assert found["restored"] == [[0.0, 4.0], 3, 2]
    assert found["sums"] == [[2.0, -4.0]]
    assert found["variables"] == ["factor"]


def test_nothing_old_is_set_aside(found: dict[str, Any]) -> None:
    assert found["set aside"] == {}
