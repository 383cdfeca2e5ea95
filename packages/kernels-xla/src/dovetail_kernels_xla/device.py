"""What the entry point `xla` names among devices: JAX's devices, of the first kind that it finds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dovetail_protocols.kernels import Unsupported

KIND = "xla"


class XlaDevice:
    """The devices of JAX's default backend: GPUs or TPUs where it finds some, else the CPU. Buffers are jax.Arrays."""

    protocol = (1, 0)

    def probe(self) -> Sequence[str] | Unsupported:
        """One line for each device that JAX finds. Loads JAX."""
        try:
            import jax

            devices = jax.devices()
        except (ImportError, RuntimeError) as error:
            return Unsupported(f"JAX can't be used: {error}")
        return [f"{device.platform} {device.device_kind}, by JAX {jax.__version__}" for device in devices]

    def from_host(self, array: Any, index: int) -> Any:
        """A jax.Array on device `index`. It may share the array's memory."""
        from .placement import put

        return put(array, index)

    def to_host(self, buffer: Any) -> Any:
        """The contents as a NumPy array, once they are computed."""
        import numpy as np

        return np.asarray(buffer)

    def contiguous(self, buffer: Any) -> Any:
        """The buffer itself: a jax.Array has no strides."""
        return buffer


DEVICE = XlaDevice()
