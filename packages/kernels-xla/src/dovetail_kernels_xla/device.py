"""What the entry point `xla` names among devices: JAX's devices, of the first kind that it finds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dovetail_protocols.kernels import Unsupported

KIND = "xla"


class XlaDevice:
    """The devices of JAX's default backend: GPUs or TPUs where it finds some, else the CPU. Buffers are jax.Arrays."""

    protocol = (1, 1)

    def probe(self) -> Sequence[str] | Unsupported:
        """One line for each device that JAX finds. Loads JAX."""
        try:
            import jax

            devices = jax.devices()
        except (ImportError, RuntimeError) as error:
            return Unsupported(f"JAX can't be used: {error}")
        return [f"{device.platform} {device.device_kind}, by JAX {jax.__version__}" for device in devices]

    def from_host(self, array: Any, index: int) -> Any:
        """A jax.Array on device `index`, in memory of its own."""
        from .placement import put

        return put(array, index)

    def to_host(self, buffer: Any) -> Any:
        """The contents as a NumPy array, once they are computed."""
        import numpy as np

        return np.asarray(buffer)

    def contiguous(self, buffer: Any) -> Any:
        """The buffer itself: a jax.Array has no strides."""
        return buffer

    def is_exclusive(self, buffer: Any) -> bool:
        """True: XLA itself finds out who else sees the memory of what is donated, and then writes elsewhere."""
        return True

    def copy(self, buffer: Any) -> Any:
        """Another jax.Array with the same contents."""
        from .placement import copied

        return copied(buffer)

    def synchronize(self, index: int) -> None:
        """Returns when everything that somebody holds on device `index` is computed."""
        from .placement import held

        for array in held(index):
            array.block_until_ready()

    def bytes_in_use(self, index: int) -> int:
        """Bytes of all jax.Arrays on device `index`, whoever made them."""
        from .placement import held

        return sum(array.nbytes for array in held(index))


DEVICE = XlaDevice()
