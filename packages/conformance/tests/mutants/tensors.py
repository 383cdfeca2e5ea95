"""Tensor packages with one fault each, and a right one: all hand what they don't do wrong to the installed package."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols.arrays import is_variable
from dovetail_protocols.errors import DTypeError, ShapeError
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.plugins import find

from . import Mutant

RIGHT: Any = find("dovetail.tensors.v1")[0].load()


class Right:
    """Hands all to the installed package."""

    def evaluate(self, operation: Any, operands: Any, attributes: Any) -> Any:
        return RIGHT.evaluate(operation, operands, attributes)

    def convert(self, value: Any, dtype: Any = None, device: Any = None) -> Any:
        return RIGHT.convert(value, dtype, device)

    def wrap(self, payload: Any, meta: Any) -> Any:
        return RIGHT.wrap(payload, meta)

    def variable(self, value: Any, *, name: str | None = None, trainable: bool = True) -> Any:
        return RIGHT.variable(value, name=name, trainable=trainable)

    def is_array(self, value: Any) -> bool:
        return bool(RIGHT.is_array(value))


class Copying(Right):
    def wrap(self, payload: Any, meta: Any) -> Any:
        return RIGHT.wrap(payload.copy() if isinstance(payload, np.ndarray) else payload, meta)


class Aliasing(Right):
    def convert(self, value: Any, dtype: Any = None, device: Any = None) -> Any:
        if type(value) is np.ndarray and dtype is None:
            return RIGHT.wrap(value, TensorMeta(value.shape, RIGHT.convert(value).dtype))
        return RIGHT.convert(value, dtype, device)


class Doubling(Right):
    def convert(self, value: Any, dtype: Any = None, device: Any = None) -> Any:
        return RIGHT.convert(np.asarray(value) if type(value) is float and dtype is None else value, dtype, device)


class Greedy(Right):
    def is_array(self, value: Any) -> bool:
        return RIGHT.is_array(value) or type(value) is np.ndarray


class OverwritingVariable:
    """A variable that copies a new buffer into its own."""

    def __init__(self, variable: Any) -> None:
        self.name, self.trainable = variable.name, variable.trainable
        self.meta, self.payload = variable.meta, variable.payload.copy()

    def replace(self, payload: Any) -> None:
        self.payload[...] = payload

    def snapshot(self) -> Any:
        return RIGHT.wrap(self.payload, self.meta)


class HastyVariable(OverwritingVariable):
    """One that tells of its first use at once, and then takes what is assigned."""

    def replace(self, payload: Any) -> None:
        self.payload = payload

    def before_first_use(self, action: Callable[[], None]) -> None:
        action()


class Hasty(Right):
    def variable(self, value: Any, *, name: str | None = None, trainable: bool = True) -> Any:
        return HastyVariable(RIGHT.variable(value, name=name, trainable=trainable))


class Overwriting(Right):
    def variable(self, value: Any, *, name: str | None = None, trainable: bool = True) -> Any:
        return OverwritingVariable(RIGHT.variable(value, name=name, trainable=trainable))


class Listing(Right):
    def evaluate(self, operation: Any, operands: Any, attributes: Any) -> Any:
        result = RIGHT.evaluate(operation, operands, attributes)
        return list(result) if isinstance(result, tuple) else result


class Confused(Right):
    def evaluate(self, operation: Any, operands: Any, attributes: Any) -> Any:
        if operation is ops.assign_variable:
            operands[0].replace(operands[1].payload)
        return RIGHT.evaluate(operation, operands, attributes)


# ---------------------------------------------------------------------- convert and wrap


class Flattening(Right):
    def convert(self, value: Any, dtype: Any = None, device: Any = None) -> Any:
        return RIGHT.convert(np.ravel(value).tolist() if isinstance(value, list) else value, dtype, device)


class Narrowing(Right):
    def convert(self, value: Any, dtype: Any = None, device: Any = None) -> Any:
        is_double = isinstance(value, np.ndarray) and value.dtype == np.float64
        return RIGHT.convert(value.astype(np.float32) if is_double else value, dtype, device)


class Deaf(Right):
    def convert(self, value: Any, dtype: Any = None, device: Any = None) -> Any:
        return RIGHT.convert(value, None, device)


class Rewrapping(Right):
    def convert(self, value: Any, dtype: Any = None, device: Any = None) -> Any:
        array = RIGHT.convert(value, dtype, device)
        return RIGHT.wrap(array.payload, array.meta)


class Forbidding(Right):
    def convert(self, value: Any, dtype: Any = None, device: Any = None) -> Any:
        if is_variable(value):
            raise TypeError("a variable is no array")
        return RIGHT.convert(value, dtype, device)


class Lenient(Right):
    def convert(self, value: Any, dtype: Any = None, device: Any = None) -> Any:
        return RIGHT.convert(0.0 if type(value) is object else value, dtype, device)


class Concrete(Right):
    def wrap(self, payload: Any, meta: Any) -> Any:
        return RIGHT.wrap(np.asarray(payload), meta)


class ByMemory(Right):
    def wrap(self, payload: Any, meta: Any) -> Any:
        return RIGHT.wrap(payload.ravel(order="K").reshape(payload.shape), meta)


# ---------------------------------------------------------------------- evaluate


class Widening(Right):
    def evaluate(self, operation: Any, operands: Any, attributes: Any) -> Any:
        result = RIGHT.evaluate(operation, operands, attributes)
        if isinstance(result, tuple) or result.meta.dtype is not dt.float16:
            return result
        return RIGHT.convert(result, dt.float32)


class Packing(Right):
    def evaluate(self, operation: Any, operands: Any, attributes: Any) -> Any:
        return RIGHT.evaluate(operation, tuple(one for one in operands if one is not None), attributes)


class Lengthening(Right):
    def evaluate(self, operation: Any, operands: Any, attributes: Any) -> Any:
        result = RIGHT.evaluate(operation, operands, attributes)
        return result if isinstance(result, tuple) or result.shape else ops.reshape(result, shape=(1,))


class Swapping(Right):
    def evaluate(self, operation: Any, operands: Any, attributes: Any) -> Any:
        is_pair = len(operands) == 2 and not is_variable(operands[0])
        return RIGHT.evaluate(operation, operands[::-1] if is_pair else operands, attributes)


class Undecomposing(Right):
    def evaluate(self, operation: Any, operands: Any, attributes: Any) -> Any:
        if operation is ops.squared_error:
            raise LookupError("no kernel for squared_error")
        return RIGHT.evaluate(operation, operands, attributes)


class Silent(Right):
    def evaluate(self, operation: Any, operands: Any, attributes: Any) -> Any:
        try:
            return RIGHT.evaluate(operation, operands, attributes)
        except (ShapeError, DTypeError):
            return operands[0]


# ---------------------------------------------------------------------- variables


class Exclusive(Right):
    def evaluate(self, operation: Any, operands: Any, attributes: Any) -> Any:
        if is_variable(operands[0]) and type(operands[0]) is not type(RIGHT.variable(0.0)):
            raise TypeError("a variable of another package")
        return RIGHT.evaluate(operation, operands, attributes)


class Nameless(Right):
    def variable(self, value: Any, *, name: str | None = None, trainable: bool = True) -> Any:
        return RIGHT.variable(value, trainable=trainable)


class Tied(Right):
    def variable(self, value: Any, *, name: str | None = None, trainable: bool = True) -> Any:
        variable = RIGHT.variable(value, name=name, trainable=trainable)
        if isinstance(value, np.ndarray):
            variable.replace(value)
        return variable


def mutant(provider: type[Right], what: str, *caught_by: str) -> Mutant:
    def suite() -> type:
        from dovetail_conformance import tensor_suite

        return tensor_suite(provider())  # type: ignore[arg-type] # a provider as anybody might write it, untyped

    return Mutant(name=provider.__name__.lower(), what=what, caught_by=frozenset(caught_by), suite=suite)


MUTANTS = (
    mutant(Right, "hands all to the installed package"),
    mutant(Copying, "copies the buffers that it wraps", "wrap_keeps_buffer_and_meta"),
    mutant(Aliasing, "keeps a NumPy array that it converts", "an_array_does_not_change_with_what_it_was_made_of"),
    mutant(Doubling, "makes Python floats float64", "convert_gives_python_numbers_their_dtype"),
    mutant(Greedy, "takes NumPy arrays for its own", "is_array_knows_its_own"),
    mutant(Flattening, "flattens nested lists", "convert_takes_nested_sequences"),
    mutant(Narrowing, "takes float64 for float32", "convert_keeps_the_dtype_of_foreign_arrays"),
    mutant(Deaf, "converts to no dtype but its own choice", "convert_takes_a_dtype"),
    mutant(Rewrapping, "makes another array of one", "convert_gives_an_array_itself"),
    mutant(Forbidding, "doesn't convert variables", "convert_reads_a_variable"),
    mutant(Lenient, "makes an array of any object", "convert_refuses_what_is_no_array"),
    mutant(Concrete, "makes an array of NumPy's of all that it wraps", "wrap_keeps_a_symbolic_value"),
    mutant(ByMemory, "reads buffers in the order of memory", "evaluate_takes_every_stride"),
    mutant(Widening, "computes float16 in float32", "operands_meet_in_the_dtype_of_the_table"),
    mutant(Swapping, "swaps operands", "evaluate_runs_an_operation", "operators_give_what_numpy_gives"),
    mutant(
        Undecomposing,
        "has no decomposition where there is no kernel",
        "an_operation_without_kernel_runs_its_decomposition",
    ),
    mutant(Packing, "drops operands that are left out", "evaluate_takes_optional_operands_as_none"),
    mutant(Lengthening, "gives 0-d results an axis", "evaluate_takes_every_shape"),
    mutant(
        Silent,
        "gives an operand where shapes or dtypes don't fit",
        "shapes_that_do_not_fit_raise",
        "dtypes_that_are_not_taken_raise",
    ),
    mutant(Exclusive, "knows its own variables only", "variables_of_another_package_are_read_and_assigned"),
    mutant(Nameless, "forgets the names of variables", "a_variable_has_its_role"),
    mutant(Tied, "keeps the array that a variable is made of", "a_variable_does_not_change_with_what_it_was_made_of"),
    mutant(
        Overwriting,
        "replaces a variable's buffer by writing into it",
        "replace_puts_another_buffer_in_force",
        "what_was_read_of_a_variable_stays",
    ),
    mutant(Hasty, "tells of a variable's first use before there is one", "a_first_use_is_told_of_before_it_counts"),
    mutant(Listing, "gives several results as a list", "evaluate_gives_several_results_as_a_tuple"),
    mutant(Confused, "assigns before it checks the value", "a_refused_assignment_changes_nothing"),
)
