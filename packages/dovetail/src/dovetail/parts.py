"""The parts that make up `dovetail`: its submodules, and the distributions they come from."""

MODULES = {
    "checkpointing": "dovetail_checkpointing",
    "errors": "dovetail_protocols.errors",
    "initializers": "dovetail_modules.initializers",
    "kernels": "dovetail.kernels",
    "layers": "dovetail_modules.layers",
    "losses": "dovetail_modules.losses",
    "metrics": "dovetail_modules.metrics",
    "operations": "dovetail_protocols.operations",
    "optimizers": "dovetail_optimizers",
    "random": "dovetail_tensors.random",
}
"""Names of `dovetail` that are modules, and the modules they stand for."""

DISTRIBUTIONS = {
    "dovetail": "all packages under one name",
    "dovetail-protocols": "the joints: operations, dispatch, graph, plug-ins",
    "dovetail-tensors": "Tensor, Variable, the array API, random numbers",
    "dovetail-kernels-numpy": "a NumPy kernel for every operation",
    "dovetail-kernels-llvm": "a compiler for CPUs: a step as one native call",
    "dovetail-kernels-xla": "JAX as a device: CPUs, GPUs, TPUs",
    "dovetail-autodiff": "gradients, forward mode, batching",
    "dovetail-functions": "tracing Python functions to graphs",
    "dovetail-modules": "Module, layers, losses, metrics, initializers",
    "dovetail-optimizers": "optimizers, schedules, clipping",
    "dovetail-checkpointing": "save and restore",
    "dovetail-conformance": "proofs for writers of kernel packages",
}
"""Every package and what it is for, as `dovetail doctor` shows it."""
