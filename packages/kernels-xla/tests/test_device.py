"""Arrays go to the device and come back as they were, and nothing of JAX's configuration changes."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from dovetail_kernels_xla.device import DEVICE
from dovetail_protocols import dtypes
from dovetail_protocols.device_abilities import SupportsDonation, SupportsMemoryStatistics, SupportsSynchronization

EXTENDED = {name: getattr(ml_dtypes, name) for name in ("bfloat16", "float8_e4m3fn", "float8_e5m2")}


@pytest.mark.parametrize("name", [known.name for known in dtypes.ALL])
def test_every_dtype_comes_back_as_it_was(name: str) -> None:
    array = np.array([[0, 1, 2], [3, 4, 5]]).astype(EXTENDED.get(name, name))
    buffer = DEVICE.from_host(array, 0)
    back = DEVICE.to_host(buffer)
    assert (buffer.shape, back.dtype) == ((2, 3), array.dtype)
    assert back.tobytes() == array.tobytes()


def test_large_integers_keep_their_64_bits() -> None:
    assert int(DEVICE.to_host(DEVICE.from_host(np.array(2**62 + 1), 0))) == 2**62 + 1


def test_steps_and_negative_strides_come_in_order() -> None:
    array = np.arange(12).reshape(3, 4)[::-1, ::2]
    assert DEVICE.to_host(DEVICE.from_host(array, 0)).tolist() == array.tolist()


def test_what_is_written_to_an_array_of_the_host_afterwards_changes_nothing() -> None:
    memory = np.zeros(1_000_016, np.float32)
    start = -memory.ctypes.data // 4 % 16  # at a boundary of 64 bytes, where JAX would share the memory
    array = memory[start : start + 1_000_000]
    buffer = DEVICE.from_host(array, 0)
    array[:] = 1.0
    assert DEVICE.to_host(buffer).max() == 0.0


def test_the_user_s_configuration_of_jax_stays() -> None:
    DEVICE.from_host(np.zeros(3), 0)
    assert not jax.config.jax_enable_x64
    assert jnp.zeros(3).dtype == jnp.float32


def test_each_device_is_described() -> None:
    described = DEVICE.probe()
    assert isinstance(described, list)
    assert len(described) == len(jax.devices())
    assert jax.devices()[0].platform in described[0]


def test_every_optional_ability_is_offered() -> None:
    for role in (SupportsDonation, SupportsSynchronization, SupportsMemoryStatistics):
        assert isinstance(DEVICE, role)


def test_a_copy_has_the_contents_and_memory_of_its_own() -> None:
    buffer = DEVICE.from_host(np.arange(1000), 0)
    other = DEVICE.copy(buffer)
    assert (other.dtype, other.sharding) == (np.int64, buffer.sharding)
    assert other.unsafe_buffer_pointer() != buffer.unsafe_buffer_pointer()
    assert DEVICE.to_host(other).tolist() == list(range(1000))


def test_memory_in_use_is_that_of_arrays_that_are_held() -> None:
    before = DEVICE.bytes_in_use(0)
    buffer = DEVICE.from_host(np.zeros(1000), 0)
    DEVICE.synchronize(0)
    assert DEVICE.bytes_in_use(0) == before + 8000
    del buffer
    assert DEVICE.bytes_in_use(0) == before
