"""A kernel package for protocol 1.0. FROZEN: never edit this file (see README.md beside it)."""

import operator

from dovetail_protocols.kernels import KernelSpec, Unsupported


def add(call):
    assert call.operation.name == "dovetail::add"
    assert call.attributes == {}
    (result,) = call.results
    if result.shape != call.operands[0].shape or result.shape != call.operands[1].shape:
        return Unsupported("no broadcasting")

    def kernel(x1, x2):
        return tuple(map(operator.add, x1, x2))

    return kernel


class Negative:
    """A kernel that is an object, and writes into given outputs too."""

    def __call__(self, x):
        return tuple(-element for element in x)

    def into(self, outputs, inputs):
        outputs[0][:] = [-element for element in inputs[0]]


def negative(call):
    return Negative()


class Package:
    protocol = (1, 0)

    def kernels(self):
        return [
            KernelSpec(id="add", operation="dovetail::add", implementation="kernels_1_0:add"),
            KernelSpec(
                id="negative",
                operation="dovetail::negative",
                implementation="kernels_1_0:negative",
                dtypes={"T": frozenset({"float32", "float64"})},
                operation_versions=(1, 1),
                device="cpu",
                layouts=frozenset({"contiguous"}),
                priority=70,
                deterministic=True,
                tolerance="default",
                binding="per_dtype",
            ),
        ]

    def operations(self):
        return []

    def probe(self):
        return None


PACKAGE = Package()
