"""The frameworks that can be asked for by name, without importing any of them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Driver:
    """How a framework is named, found and set up.

    `package` is what a user imports; `implementation` is the module here whose `prepare(workload, mode)` gives a
    `Session`, and `checkpoints` the one whose `prepare(arrays)` gives a `CheckpointSession`; either may be missing.
    `first_result` is Python source that leaves a sum of two 8-element arrays as a NumPy array. `lazy_names`
    are those of the package that a training program would load, where importing the package alone does not.
    """

    name: str
    title: str
    package: str
    implementation: str
    first_result: str
    compiled: bool = True
    lazy_names: tuple[str, ...] = ()
    on_request: bool = False
    checkpoints: str = ""


OURS = "dovetail"
UNVERIFIED = "dovetail-unverified"  # ours, loading checkpoints without comparing what checksums say
LIMIT = "limit"  # not a framework: the machine doing a workload's work and nothing else

_PYTORCH = "(torch.ones(8) + torch.ones(8)).numpy()"
_DOVETAIL = "(dovetail.constant([1.0] * 8) + dovetail.constant([1.0] * 8)).numpy()"
_LAZY_NAMES = ("Variable", "GradientTape", "function", "layers", "optimizers")

DRIVERS: dict[str, Driver] = {
    driver.name: driver
    for driver in (
        Driver(
            "dovetail",
            "Dovetail",
            "dovetail",
            "benchmarks.drivers.dovetail.driver",
            _DOVETAIL,
            lazy_names=_LAZY_NAMES,
            checkpoints="benchmarks.drivers.dovetail.checkpoints",
        ),
        Driver(
            "dovetail-eager",
            "Dovetail eager",
            "dovetail",
            "benchmarks.drivers.dovetail.driver",
            _DOVETAIL,
            compiled=False,
            lazy_names=_LAZY_NAMES,
            on_request=True,
        ),
        Driver(
            "dovetail-xla",
            "Dovetail xla",
            "dovetail",
            "benchmarks.drivers.dovetail.xla",
            _DOVETAIL,
            lazy_names=_LAZY_NAMES,
            on_request=True,
        ),
        Driver(
            UNVERIFIED,
            "unverified",
            "dovetail",
            "",
            "",
            on_request=True,
            checkpoints="benchmarks.drivers.dovetail.unverified_checkpoints",
        ),
        Driver(
            "pytorch",
            "PyTorch",
            "torch",
            "benchmarks.drivers.pytorch.driver",
            _PYTORCH,
            compiled=False,
            checkpoints="benchmarks.drivers.pytorch.checkpoints",
        ),
        Driver(
            "pytorch-distributed",
            "PyTorch DCP",
            "torch",
            "",
            "",
            checkpoints="benchmarks.drivers.pytorch.distributed_checkpoints",
        ),
        Driver("pytorch-compile", "torch.compile", "torch", "benchmarks.drivers.pytorch.driver", _PYTORCH),
        Driver(
            "jax",
            "JAX jit",
            "jax",
            "benchmarks.drivers.jax.driver",
            "jax.device_get(jax.numpy.ones(8) + jax.numpy.ones(8))",
        ),
        Driver(
            "numpy",
            "NumPy",
            "numpy",
            "benchmarks.drivers.numpy.driver",
            "numpy.ones(8) + numpy.ones(8)",
            compiled=False,
        ),
        Driver(
            "tensorflow",
            "TF function",
            "tensorflow",
            "benchmarks.drivers.tensorflow.driver",
            "(tensorflow.ones(8) + tensorflow.ones(8)).numpy()",
            on_request=True,
        ),
        Driver(
            "tensorflow-xla",
            "TF XLA",
            "tensorflow",
            "benchmarks.drivers.tensorflow.xla",
            "(tensorflow.ones(8) + tensorflow.ones(8)).numpy()",
            on_request=True,
        ),
        Driver(
            "safetensors",
            "safetensors",
            "safetensors",
            "",
            "",
            checkpoints="benchmarks.drivers.safetensors.checkpoints",
        ),
        Driver(
            "orbax",
            "orbax",
            "orbax.checkpoint",
            "",
            "",
            checkpoints="benchmarks.drivers.orbax.checkpoints",
        ),
        Driver(
            LIMIT,
            "limit",
            "llvmlite",
            "benchmarks.drivers.limit.driver",
            "",
            compiled=False,
            on_request=True,
            checkpoints="benchmarks.drivers.limit.checkpoints",
        ),
    )
}

# Asked, in this order, for the float64 run that float32 results are compared with.
REFERENCES = ("pytorch", "jax")
