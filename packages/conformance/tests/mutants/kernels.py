"""Kernel packages with one fault each, and honest ones.

The kit is imported where a suite is made: level L0 loads this module in a fresh process for each package.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from dovetail_protocols import derivatives
from dovetail_protocols.kernels import CallMeta, KernelSpec, Unsupported
from dovetail_protocols.operation import Operation, composite
from dovetail_protocols.operations.annotations import Floating

from . import Mutant

REAL = ("float32", "float64")


class Package:
    """A kernel package that offers the given kernels."""

    protocol = (1, 0)

    def __init__(self, *specs: KernelSpec, operations: tuple[Operation, ...] = ()) -> None:
        self._specs, self._operations = specs, operations

    def kernels(self) -> tuple[KernelSpec, ...]:
        return self._specs

    def operations(self) -> tuple[Operation, ...]:
        return self._operations

    def probe(self) -> Unsupported | None:
        return None


def offering(
    implementation: str, operation: str = "dovetail::square", dtypes: tuple[str, ...] = REAL, **more: Any
) -> KernelSpec:
    return KernelSpec(
        id=operation.partition("::")[2],
        operation=operation,
        implementation=f"{__name__}:{implementation}",
        dtypes={"T": frozenset(dtypes)},
        priority=1,
        **more,
    )


# ---------------------------------------------------------------------- honest


def squaring(call: CallMeta) -> Any:
    return np.square


class Writing:
    """A kernel with `into`."""

    def __call__(self, x: Any) -> Any:
        return np.square(x)

    def into(self, outputs: Any, inputs: Any) -> None:
        np.square(inputs[0], out=outputs[0])


def writing(call: CallMeta) -> Any:
    return Writing()


HONEST = Package(offering("squaring", binding="per_dtype"))
HONEST_INTO = Package(offering("writing"))

# ---------------------------------------------------------------------- numbers


def memory_order(call: CallMeta) -> Any:
    return lambda x: np.square(x.ravel(order="K")).reshape(x.shape)


def without_tail(call: CallMeta) -> Any:
    def run(x: Any) -> Any:
        flat, result = x.reshape(-1), np.zeros(x.size, x.dtype)
        whole = x.size // 8 * 8 if x.size >= 8 else x.size
        result[:whole] = np.square(flat[:whole])
        return result.reshape(x.shape)

    return run


def inaccurate(call: CallMeta) -> Any:
    return lambda x: np.square(x) * np.float32(1.001)


def without_nan(call: CallMeta) -> Any:
    return lambda x: np.nan_to_num(np.square(x))


IGNORES_STRIDES = Package(offering("memory_order"))
DROPS_THE_TAIL = Package(offering("without_tail"))
IS_INACCURATE = Package(offering("inaccurate", dtypes=("float32",)))
SWALLOWS_NAN = Package(offering("without_nan"))

# ---------------------------------------------------------------------- honesty


def only_float32(call: CallMeta) -> Any:
    return np.square if call.results[0].dtype.name == "float32" else Unsupported("takes float32")


def one_axis_more(call: CallMeta) -> Any:
    return lambda x: np.square(x)[None]


def always_float64(call: CallMeta) -> Any:
    return lambda x: np.square(x.astype(np.float64))


def raising_on_empty(call: CallMeta) -> Any:
    def run(x: Any) -> Any:
        if x.size == 0:
            raise RuntimeError("no elements")
        return np.square(x)

    return run


def listing(call: CallMeta) -> Any:
    return lambda x: np.square(x).tolist()


def refusing_silently(call: CallMeta) -> Any:
    return Unsupported(" ") if call.results[0].shape == () else np.square


CLAIMS_FALSELY = Package(offering("only_float32", dtypes=("float32", "float16")))
CLAIMS_WHAT_THE_OPERATION_LACKS = Package(offering("squaring", dtypes=("float32", "bool")))
GIVES_A_LIST = Package(offering("listing", dtypes=("float64",)))
GIVES_A_WRONG_SHAPE = Package(offering("one_axis_more"))
GIVES_A_WRONG_DTYPE = Package(offering("always_float64"))
ACCEPTS_WHAT_IT_CANT_RUN = Package(offering("raising_on_empty"))
REFUSES_WITHOUT_A_REASON = Package(offering("refusing_silently"))

# ---------------------------------------------------------------------- contract


def in_place(call: CallMeta) -> Any:
    return lambda x: np.square(x, out=x) if x.flags.writeable else np.square(x)


def around(call: CallMeta) -> Any:
    def run(x: Any) -> Any:
        if x.ndim == 1 and x.size and x.flags.writeable:
            np.lib.stride_tricks.as_strided(x, (x.size + 1,), x.strides)[-1] = 7
        return np.square(x)

    return run


def jittering(call: CallMeta) -> Any:
    generator = np.random.default_rng()
    return lambda x: np.square(x) * (1 + np.finfo(x.dtype).eps * generator.integers(0, 2, x.shape).astype(x.dtype))


def scratching(call: CallMeta) -> Any:
    scratch = np.zeros(call.results[0].shape, call.results[0].dtype)

    def run(x: Any) -> Any:
        scratch[...] = np.square(x)
        time.sleep(0.002)
        return scratch.copy()

    return run


class Overrunning(Writing):
    """Writes one element more than its output has."""

    def into(self, outputs: Any, inputs: Any) -> None:
        np.square(inputs[0], out=outputs[0])
        if outputs[0].ndim == 1 and outputs[0].size:
            np.lib.stride_tricks.as_strided(outputs[0], (outputs[0].size + 1,))[-1] = 0


class Forgetting(Writing):
    """Leaves the last element of its output unwritten."""

    def into(self, outputs: Any, inputs: Any) -> None:
        np.square(inputs[0][..., :-1], out=outputs[0][..., :-1])


def overrunning(call: CallMeta) -> Any:
    return Overrunning()


def forgetting(call: CallMeta) -> Any:
    return Forgetting()


def shape_bound(call: CallMeta) -> Any:
    shape = call.results[0].shape
    return lambda x: np.square(x).reshape(shape)


def clipping(call: CallMeta) -> Any:
    def run(x: Any, y: Any) -> Any:
        if x.ndim and x.ndim == y.ndim and x.shape[-1] != y.shape[-1] and min(x.shape[-1], y.shape[-1]) > 1:
            shortest = min(x.shape[-1], y.shape[-1])
            x, y = x[..., :shortest], y[..., :shortest]
        return np.hypot(x, y)

    return run


WRITES_AN_INPUT = Package(offering("in_place"))
WRITES_AROUND_AN_INPUT = Package(offering("around"))
IS_NONDETERMINISTIC = Package(offering("jittering"))
SHARES_SCRATCH_MEMORY = Package(offering("scratching"))
WRITES_PAST_ITS_OUTPUT = Package(offering("overrunning"))
LEAVES_ITS_OUTPUT_UNWRITTEN = Package(offering("forgetting"))
IS_BOUND_TO_A_SHAPE = Package(offering("shape_bound", binding="per_dtype"))
TAKES_INVALID_SHAPES = Package(offering("clipping", "dovetail::hypot", binding="per_dtype"))

# ---------------------------------------------------------------------- operations of one's own


@composite(version=1, namespace="acme", infer=lambda x: x)
def cube(x: Floating, /) -> Floating:
    """x³."""
    return x * x * x


@composite(version=1, namespace="acme", infer=lambda x: x)
def miscube(x: Floating, /) -> Floating:
    """x³, with a wrong gradient."""
    return x * x * x


@derivatives.gradient_of(miscube)
def miscube_gradient(cotangent: Any, result: Any, x: Any) -> Any:
    return cotangent * 2.0 * x * x


def cubing(call: CallMeta) -> Any:
    return lambda x: x * x * x


OWN_OPERATION = Package(offering("cubing", "acme::cube"), operations=(cube,))
UNTRIED_OPERATION = Package(offering("cubing", "acme::cube"))
WRONG_GRADIENT = Package(offering("cubing", "acme::miscube"), operations=(miscube,))
HAS_OTHER_CASES = HONEST
IS_FOR_NO_DEVICE = Package(offering("squaring"), offering("cubing", "dovetail::negative", device="nowhere"))
DECLARES_NOTHING = Package()

# ---------------------------------------------------------------------- modules that don't load as they should

PRINTING = f"print('hello')\nfrom {__name__} import HONEST as PACKAGE\n"
DYING = f"import os, sys\nif sys.argv[0] == '-c':\n    os.abort()\nfrom {__name__} import HONEST as PACKAGE\n"
SLOW = f"""
import time
from {__name__} import HONEST, Package


class Slow(Package):
    def kernels(self):
        time.sleep(0.6)
        return super().kernels()


PACKAGE = Slow(*HONEST.kernels())
"""

# ---------------------------------------------------------------------- the table


def mutant(name: str, what: str, *caught_by: str, source: str = "", own: Any = None, **more: Any) -> Mutant:
    """The package that this module calls by the name in capitals, or the module of the given source."""

    def suite() -> type:
        from dovetail_conformance import elementwise_cases, kernel_suite

        return kernel_suite(name, cases={own.name: elementwise_cases(own)} if own else None)

    return Mutant(
        name=name,
        what=what,
        caught_by=frozenset(caught_by),
        suite=suite,
        entry_points={"dovetail.kernels.v1": f"{name}:PACKAGE" if source else f"{__name__}:{name.upper()}"},
        files={f"{name}.py": source} if source else {},
        **more,
    )


MUTANTS = (
    mutant("honest", "one callable for all shapes"),
    mutant("honest_into", "writes into outputs that were allocated before"),
    mutant("own_operation", "brings an operation of its own, and cases for it", own=cube),
    mutant("prints_at_import", "its module prints", "l0_loads", source=PRINTING),
    mutant("dies_at_import", "its module ends a fresh process", "l0_loads", source=DYING),
    mutant("is_slow", "takes 0.6 s to say what it offers", "l0_loads", source=SLOW),
    mutant("declares_nothing", "declares no kernel", "l0_loads", "l0_something_is_declared"),
    mutant(
        "has_other_cases",
        "has cases for an operation that it doesn't declare",
        "l0_added_cases_are_used",
        own=cube,
        nothing_else=True,
    ),
    mutant(
        "is_for_no_device",
        "has a kernel for a device that isn't there",
        "l0_every_kernel_is_tried",
        nothing_else=True,
    ),
    mutant("claims_falsely", "claims a dtype and refuses each call in it", "l1_proved"),
    mutant(
        "claims_what_the_operation_lacks", "claims a dtype that the operation lacks", "l1_declarations", "l1_proved"
    ),
    mutant("gives_a_list", "gives a list where a buffer is expected", "l1_honesty", "l2_numbers", "l3_contract"),
    mutant("gives_a_wrong_shape", "gives a result with one axis too many", "l1_honesty"),
    mutant("gives_a_wrong_dtype", "gives float64 for float32", "l1_honesty"),
    mutant("accepts_what_it_cant_run", "accepts empty operands, then raises", "l1_honesty"),
    mutant("refuses_without_a_reason", "refuses 0-d operands without a reason", "l1_honesty"),
    mutant("untried_operation", "has an operation for which no case is given", "l1_proved", nothing_else=True),
    mutant("ignores_strides", "reads its input in the order of memory", "l2_numbers"),
    mutant("drops_the_tail", "leaves out elements after the last whole eight", "l2_numbers"),
    mutant("is_inaccurate", "is off by a thousandth", "l2_numbers"),
    mutant("swallows_nan", "gives 0 for NaN", "l2_numbers"),
    mutant("writes_an_input", "computes in place", "l3_contract"),
    mutant("writes_around_an_input", "writes one element past its input", "l3_contract"),
    mutant("is_nondeterministic", "adds a last bit by chance", "l3_contract"),
    mutant("shares_scratch_memory", "computes in memory that calls share", "l3_contract"),
    mutant("writes_past_its_output", "into writes one element too many", "l3_contract"),
    mutant("leaves_its_output_unwritten", "into leaves the last element as it was", "l3_contract"),
    mutant("is_bound_to_a_shape", "says that it serves all shapes, but serves the first", "l3_contract"),
    mutant("takes_invalid_shapes", "takes shapes that don't broadcast", "l3_contract"),
    mutant("wrong_gradient", "gives an operation a wrong gradient", "l4_gradients", own=miscube, nothing_else=True),
)
