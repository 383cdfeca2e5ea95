"""What a device with memory and streams of its own must hold through a whole program."""

import gc
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from dovetail_fake_device.device import DEVICE
from dovetail_fake_device.memory import Memory

import dovetail as dt
from dovetail_protocols.errors import ConcretizationError, DeviceError, DeviceMemoryError, KernelError

EXAMPLE = Path(__file__).parents[4] / "examples" / "simple_module.py"


@pytest.fixture(params=["fake", "fake:1"])
def device(request):
    with dt.device(request.param) as chosen:
        yield chosen


def trained(place, *, compiled, steps=8):
    """The losses and weights of a small classifier trained on a device."""
    with dt.device(place):
        dt.random.set_seed(7)
        model = dt.layers.Sequential([dt.layers.Dense(8, activation="relu"), dt.layers.Dense(3)])
        optimizer, loss_of = dt.optimizers.Adam(0.05), dt.losses.SparseCategoricalCrossentropy(from_logits=True)
        x = dt.constant(np.random.default_rng(3).normal(size=(16, 4)).astype(np.float32))
        y = dt.argmax(x[:, :3], axis=1)

        def step(x, y):
            with dt.GradientTape() as tape:
                loss = loss_of(y, model(x))
            gradients = tape.gradient(loss, model.trainable_variables)
            optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
            return loss

        run = dt.function(step) if compiled else step
        losses = [float(run(x, y)) for _ in range(steps)]
        assert all(str(variable.device) == place for variable in (*model.variables, *optimizer.variables))
        return losses, [variable.numpy() for variable in model.trainable_variables]


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "traced"])
@pytest.mark.parametrize("place", ["fake", "fake:1"])
def test_training_is_that_of_the_cpu(place, compiled):
    losses, weights = trained(place, compiled=compiled)
    expected_losses, expected = trained("cpu", compiled=False)
    # Eight steps of float32 sums in another order.
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-4)
    for got, right in zip(weights, expected, strict=True):
        np.testing.assert_allclose(got, right, rtol=1e-3, atol=1e-5)
    assert losses[-1] < losses[0]


def test_training_leaves_no_memory_behind():
    trained("fake", compiled=True, steps=2)
    gc.collect()
    before = DEVICE.bytes_in_use(0)
    for _ in range(2):
        trained("fake", compiled=True, steps=2)
    gc.collect()
    DEVICE.synchronize(0)
    assert DEVICE.bytes_in_use(0) <= before + 4096


def test_the_example_runs_where_the_environment_says():
    environment = os.environ | {"DOVETAIL_DEVICE": "fake:1", "DOVETAIL_DEBUG": "1"}
    command = [sys.executable, str(EXAMPLE)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "Tensor(30., shape=(), dtype=float32, device=fake:1)" in done.stdout


def test_values_leave_the_device_when_they_are_asked_for(device):
    x = dt.constant([[1.0, 2.0], [3.0, 4.0]])
    assert (float(x[0, 1]), int(x[1, 0]), bool(x[0, 0] > 0), x[1].tolist()) == (2.0, 3, True, [3, 4])
    assert x.sum().item() == 10
    assert [row.tolist() for row in x] == [[1, 2], [3, 4]]
    assert f"device={device}" in repr(x)
    assert np.asarray(x).flags.writeable is False
    assert not hasattr(x.payload, "__array__")
    with pytest.raises(DeviceError, match="DLPack"):
        x.__dlpack_device__()


def test_loops_and_choices_run_on_the_device(device):
    @dt.function
    def collatz(n):
        return dt.while_loop(
            lambda n, count: n > 1,
            lambda n, count: (dt.cond(n > 3, lambda: n - 2, lambda: n - 1), count + 1),
            (n, dt.constant(0)),
        )

    n, count = collatz(dt.constant(7))
    assert (int(n), int(count), n.device) == (1, 4, device)


def test_parts_of_a_graph_run_each_on_its_device():
    @dt.function
    def both(x, y):
        return x * 2 + 1, dt.exp(y) * 3

    x, y = dt.constant([1.0], device="fake"), dt.constant([0.0], device="cpu")
    left, right = both(x, y)
    assert (str(left.device), left.tolist()) == ("fake", [3])
    assert (str(right.device), right.tolist()) == ("cpu", [3])


def test_copies_inside_a_trace_are_refused():
    with pytest.raises(ConcretizationError, match="to_device"):
        dt.function(lambda x: x.to_device("fake"))(dt.constant([1.0]))


def test_an_error_in_queued_work_names_its_kernel_when_somebody_waits(device):
    x = dt.constant([1.0, 2.0])
    bad = dt.take(x, dt.constant([5]), axis=0)  # out of range, which only the device finds out
    after = bad + 1
    for waiting in (bad.numpy, after.numpy):
        with pytest.raises(
            KernelError, match=rf"kernel fake/take failed on device fake:{device.index}[\s\S]*IndexError"
        ):
            waiting()
    assert (x + 1).tolist() == [2, 3]


def test_a_variable_keeps_its_value_where_memory_runs_out(device):
    v = dt.Variable([1.0, 2.0])
    for change in (lambda: v.assign([3.0, 4.0]), lambda: v.assign_add([1.0, 1.0])):
        with DEVICE.memories[device.index].failing(), pytest.raises(DeviceMemoryError, match="no room"):
            change()
        assert v.tolist() == [1, 2]


@pytest.mark.parametrize(
    "last", [lambda w, v: w - v, lambda w, v: dt.abs(w - v)], ids=["over donated buffers", "after a compiled part"]
)
def test_a_traced_step_changes_no_variable_where_memory_runs_out(device, last):
    v, w = dt.Variable([1.0, 2.0]), dt.Variable([5.0, 6.0])

    @dt.function
    def step():
        v.assign(v * 2)
        w.assign(w + v)
        return last(w, v)

    assert step().tolist() == [5, 6]
    with DEVICE.memories[device.index].failing(), pytest.raises(DeviceMemoryError):
        step()
    assert (v.tolist(), w.tolist()) == ([2, 4], [7, 10])
    assert step().tolist() == [7, 10]


def test_capacity_is_exceeded_with_an_error_that_says_so(device):
    with pytest.raises(DeviceMemoryError, match="no room for 400000000 bytes"):
        dt.zeros(100_000_000)


def test_memory_that_was_freed_is_found_out(device):
    buffer = dt.constant([1.0, 2.0]).payload
    address = buffer.block.address
    memory = DEVICE.memories[device.index]
    memory.look(address, (2,), (4,), buffer.dtype)
    with pytest.raises(RuntimeError, match="outside of every block"):
        memory.look(address, (1000,), (4,), buffer.dtype)
    del buffer
    gc.collect()
    DEVICE.bytes_in_use(device.index)
    with pytest.raises(RuntimeError, match="outside of every block"):
        memory.look(address, (2,), (4,), np.dtype(np.float32))


def test_threads_work_on_one_device_at_once(device):
    found = []

    def run(number):
        with dt.device(device):
            x = dt.full((50,), number)
            found.append((number, float(((x * 2) + 1).sum())))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [(number, 50.0 * (2 * number + 1)) for number in range(4)]


def test_views_share_memory_and_keep_it(device):
    x = dt.reshape(dt.arange(6), (2, 3))
    turned = dt.permute_dims(x, (1, 0))
    part = x[::-1, 1:]
    assert turned.payload.block is x.payload.block is part.payload.block
    assert not DEVICE.is_exclusive(x.payload)
    del x
    assert turned.tolist() == [[0, 3], [1, 4], [2, 5]]
    assert part.tolist() == [[4, 5], [1, 2]]


def test_vmap_and_gradients_of_batches(device):
    x = dt.constant([[1.0, 2.0], [3.0, 4.0]])
    gradients = dt.vmap(dt.grad(lambda row: (row * row).sum()))(x)
    assert gradients.tolist() == [[2, 4], [6, 8]]


def test_checkpoints_bring_variables_back_to_their_device(device, tmp_path):
    v = dt.Variable([1.0, 2.0])
    dt.checkpointing.save(tmp_path / "c", {"v": v})
    v.assign([0.0, 0.0])
    dt.checkpointing.restore(tmp_path / "c", {"v": v})
    assert (v.tolist(), v.device) == ([1, 2], device)


def test_metrics_and_generators_stay_on_the_device(device):
    mean = dt.metrics.Mean()
    mean.update_state(dt.constant([1.0, 3.0]))
    assert (float(mean.result()), mean.result().device) == (2.0, device)
    mean.reset_state()
    assert float(mean.result()) == 0
    generator = dt.random.Generator.from_seed(3)
    drawn = generator.normal((4,))
    with dt.device("cpu"):
        expected = dt.random.Generator.from_seed(3).normal((4,))
    assert drawn.device == device
    np.testing.assert_allclose(drawn.numpy(), expected.numpy(), rtol=1e-5, atol=1e-6)


def test_a_compiled_step_overwrites_a_variable_that_nobody_else_holds(device):
    v = dt.Variable([1.0, 2.0])
    step = dt.function(lambda x: v.assign(v * 2.0 + x))
    step(dt.constant([1.0, 1.0]))
    assert "compiler fake" in str(step.explain(dt.constant([1.0, 1.0])))
    block = v.payload.block
    step(dt.constant([1.0, 1.0]))
    assert v.payload.block is block
    held = v.read_value()
    step(dt.constant([1.0, 1.0]))
    assert v.payload.block is not block
    assert (held.tolist(), v.tolist()) == ([7, 11], [15, 23])


def test_a_view_of_a_variable_keeps_its_memory_from_being_overwritten(device):
    v = dt.Variable([[1.0, 2.0]])
    step = dt.function(lambda: v.assign(v + 1.0))
    step()
    turned = dt.permute_dims(v, (1, 0))
    step()
    assert (turned.tolist(), v.tolist()) == ([[2], [3]], [[3, 4]])


def test_an_optimizer_made_elsewhere_says_where_it_is():
    with dt.device("fake"):
        v = dt.Variable([1.0], name="w")
    optimizer = dt.optimizers.SGD(0.1)
    with pytest.raises(DeviceError, match=r"different devices\n  where: w[\s\S]*with device\('fake'\)"):
        optimizer.apply_gradients([(dt.ones_like(v), v)])
    assert v.tolist() == [1]


def test_the_environment_makes_an_allocation_fail(monkeypatch):
    monkeypatch.setenv("FAKE_DEVICE_FAIL_ALLOCATION", "2")
    memory = Memory(0, 1 << 12)
    first = memory.allocate(100)
    with pytest.raises(DeviceMemoryError, match="made to fail"):
        memory.allocate(100)
    second = memory.allocate(100)
    assert second.address >= first.address + 100
    assert memory.bytes_in_use() == 256
    with pytest.raises(DeviceMemoryError, match="256 of 4096 bytes are in use"):
        memory.allocate(4000)
