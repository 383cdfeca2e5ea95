"""A kernel package for protocol 1.0 that brings operations. FROZEN: never edit this file (see README.md beside it)."""

from dovetail_protocols import operations as ops
from dovetail_protocols.derivatives import batching_of, gradient_of, jvp_of, not_differentiable
from dovetail_protocols.kernels import KernelSpec
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.operation import composite, primitive

CALLS = []
TYPE_CHECKING = False
if TYPE_CHECKING:
    from dovetail_protocols.operations.annotations import Floating, Numeric


def like_first(x, y, *, count=1):
    return TensorMeta(x.shape, x.dtype, x.device)


@composite(version=1, namespace="old", infer=like_first)
def add_times(x: "Floating", y: "Floating", /, *, count: int = 1) -> "Floating":
    """x + count · y, by repeated addition."""
    for _ in range(count):
        x = ops.add(x, y)
    return x


@primitive(version=1, namespace="old")
def flip(x: "Floating", /) -> "Floating":
    """−x."""
    return TensorMeta(x.shape, x.dtype, x.device)


@primitive(version=1, namespace="old")
def signs(x: "Numeric", /) -> "Numeric":
    """1 everywhere: what it is of no matter, it carries no gradient."""
    return TensorMeta(x.shape, x.dtype, x.device)


@gradient_of(flip)
def flip_gradient(cotangent, result, x):
    CALLS.append("gradient")
    return ops.negative(cotangent)


@jvp_of(flip)
def flip_jvp(tangents, result, x):
    CALLS.append("jvp")
    return ops.negative(tangents[0])


@batching_of(flip)
def flip_batched(size, is_batched, x):
    CALLS.append("batching")
    assert is_batched == (True,)
    return flip(x)


@gradient_of(add_times)
def add_times_gradient(cotangent, result, x, y, *, count):
    CALLS.append("composite gradient")
    return cotangent, lambda: add_times(ops.negative(cotangent), cotangent, count=count + 1)


not_differentiable(signs, "constant")


def flip_kernel(call):
    return lambda x: tuple(-element for element in x) if type(x) is tuple else -x


def signs_kernel(call):
    return lambda x: tuple(1 for element in x) if type(x) is tuple else x * 0 + 1


class Package:
    protocol = (1, 0)

    def kernels(self):
        return [
            KernelSpec(id="flip", operation="old::flip", implementation="operations_1_0:flip_kernel", priority=1),
            KernelSpec(id="signs", operation="old::signs", implementation="operations_1_0:signs_kernel"),
        ]

    def operations(self):
        return (add_times, flip, signs)

    def probe(self):
        return None


PACKAGE = Package()
