"""Which package owns each name of `dovetail`. Written by `python -m tools.umbrella_names`."""

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

DISTRIBUTIONS = {
    "dovetail": "all packages under one name",
    "dovetail-protocols": "the joints: operations, dispatch, graph, plug-ins",
    "dovetail-tensors": "Tensor, Variable, the array API, random numbers",
    "dovetail-kernels-numpy": "a NumPy kernel for every operation",
    "dovetail-autodiff": "gradients, forward mode, batching",
    "dovetail-functions": "tracing Python functions to graphs",
    "dovetail-modules": "Module, layers, losses, metrics, initializers",
    "dovetail-optimizers": "optimizers, schedules, clipping",
    "dovetail-checkpointing": "save and restore",
    "dovetail-conformance": "proofs for writers of kernel packages",
}

OWNERS = {
    "Module": "dovetail_modules",
    "Tensor": "dovetail_tensors",
    "Variable": "dovetail_tensors",
    "constant": "dovetail_tensors",
}
