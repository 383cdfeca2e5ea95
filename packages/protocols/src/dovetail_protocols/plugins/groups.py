"""The groups of entry points that Dovetail reads."""

GROUPS = {
    "dovetail.tensors.v1": "tensors",
    "dovetail.kernels.v1": "kernels",
    "dovetail.devices.v1": "device",
    "dovetail.compilers.v1": "compiler",
    "dovetail.autodiff.v1": "autodiff",
    "dovetail.functions.v1": "functions",
    "dovetail.communicators.v1": "communicator",
}
"""Group → what those are called who play its role."""
