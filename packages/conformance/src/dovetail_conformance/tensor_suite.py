"""A pytest class that proves a tensor package: an implementation of TensorProvider."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import pytest

from dovetail_protocols import arrays
from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols.binding import bind_attributes
from dovetail_protocols.errors import DTypeError, ShapeError, SignatureError
from dovetail_protocols.metas import CPU, TensorMeta
from dovetail_protocols.roles import Array, SupportsFirstUse, TensorProvider, VariableLike

from .host_variable import HostVariable
from .numpy_dtypes import numpy_dtype
from .threads import in_threads

PAIRS = [pytest.param(a, b, id=f"{a}-{b}") for a, b in combinations_with_replacement(dt.ALL, 2)]
each_dtype = pytest.mark.parametrize("dtype", dt.ALL, ids=str)
OPERATORS = {
    "+": (lambda a, b: a + b, np.add),
    "-": (lambda a, b: a - b, np.subtract),
    "*": (lambda a, b: a * b, np.multiply),
    "/": (lambda a, b: a / b, np.divide),
    "//": (lambda a, b: a // b, np.floor_divide),
    "%": (lambda a, b: a % b, np.remainder),
    "**": (lambda a, b: a**b, np.power),
    "<": (lambda a, b: a < b, np.less),
    "<=": (lambda a, b: a <= b, np.less_equal),
    ">": (lambda a, b: a > b, np.greater),
    ">=": (lambda a, b: a >= b, np.greater_equal),
    "==": (lambda a, b: a == b, np.equal),
    "!=": (lambda a, b: a != b, np.not_equal),
}
VIEWS = {"transposed": np.transpose, "flipped": np.flip, "steps": lambda a: a[:, ::2]}
each_operator = pytest.mark.parametrize(("operator", "oracle"), OPERATORS.values(), ids=list(OPERATORS))


def tensor_suite(provider: TensorProvider | None = None) -> type:
    """A test class for a tensor package, to be bound to a name beginning with Test in a test module.

    `provider` is the package's object in the role of TensorProvider; None stands for the one that is installed. While
    its tests run it is the tensor package of the process. Operations are evaluated by the installed kernel packages.
    """

    class TensorSuite(TensorChecks):
        """What TensorProvider, Array and VariableLike promise."""

        @pytest.fixture(autouse=True)
        def chosen(self) -> Iterator[None]:
            before = arrays.use_provider(provider)
            self.provider: Any = arrays.provider()
            yield
            arrays.use_provider(before)

    return TensorSuite


def values(array: Any) -> Any:
    """The buffer of an array on the CPU."""
    return np.asarray(array.payload)


class TensorChecks:
    """The tests; `provider` is put in place by the suite."""

    provider: Any

    # ------------------------------------------------------------------ convert, wrap, is_array

    def test_has_its_role(self) -> None:
        assert isinstance(self.provider, TensorProvider)

    @pytest.mark.parametrize(
        ("value", "dtype"),
        [(True, dt.bool_), (3, dt.int32), (2**40, dt.int64), (2**63, dt.uint64), (0.5, dt.float32), (1j, dt.complex64)],
    )
    def test_convert_gives_python_numbers_their_dtype(self, value: Any, dtype: dt.DType) -> None:
        array = self.provider.convert(value)
        assert (array.meta, values(array).item()) == (TensorMeta((), dtype), value)

    def test_convert_takes_nested_sequences(self) -> None:
        array = self.provider.convert([[1.0, 2.0], [3.0, 4.0]])
        assert array.meta == TensorMeta((2, 2), dt.float32)
        assert values(array).tolist() == [[1.0, 2.0], [3.0, 4.0]]

    @each_dtype
    def test_convert_keeps_the_dtype_of_foreign_arrays(self, dtype: dt.DType) -> None:
        array = self.provider.convert(np.ones((2, 0, 3), numpy_dtype(dtype.name)))
        assert (array.shape, array.dtype) == ((2, 0, 3), dtype)
        assert array.dtype is dtype

    @each_dtype
    def test_convert_takes_a_dtype(self, dtype: dt.DType) -> None:
        array = self.provider.convert(1, dtype=dtype)
        assert (array.meta, bool(values(array) == 1)) == (TensorMeta((), dtype), True)

    def test_convert_gives_an_array_itself(self) -> None:
        array = self.provider.convert([1.0])
        assert self.provider.convert(array) is array

    def test_convert_reads_a_variable(self) -> None:
        array = self.provider.convert(self.provider.variable([1.0, 2.0]))
        assert self.provider.is_array(array)
        assert values(array).tolist() == [1.0, 2.0]

    def test_convert_refuses_what_is_no_array(self) -> None:
        with pytest.raises((TypeError, ValueError)):
            self.provider.convert(object())
        with pytest.raises((TypeError, ValueError)):
            self.provider.convert([[1.0, 2.0], [3.0]])

    @each_dtype
    def test_wrap_keeps_buffer_and_meta(self, dtype: dt.DType) -> None:
        buffer = np.ones((2, 3), numpy_dtype(dtype.name))
        meta = TensorMeta((2, 3), dtype)
        array = self.provider.wrap(buffer, meta)
        assert (array.meta, array.shape, array.dtype, array.device) == (meta, (2, 3), dtype, CPU)
        assert np.shares_memory(values(array), buffer)

    def test_wrap_keeps_a_symbolic_value(self) -> None:
        class Symbol:
            owner = None

            def concretize(self, action: str) -> Any:
                raise RuntimeError(f"no value for {action}")

        symbol = Symbol()
        array = self.provider.wrap(symbol, TensorMeta((2, 3), dt.float32))
        assert array.payload is symbol
        assert (array.shape, array.dtype) == ((2, 3), dt.float32)
        with pytest.raises(RuntimeError, match="no value"):
            np.asarray(array)

    def test_is_array_knows_its_own(self) -> None:
        array, variable = self.provider.convert(1.0), self.provider.variable(1.0)
        assert self.provider.is_array(array)
        assert isinstance(array, Array)
        assert not any(map(self.provider.is_array, (variable, 1.0, [1.0], np.ones(2), None)))

    # ------------------------------------------------------------------ immutability

    def test_an_array_does_not_change_with_what_it_was_made_of(self) -> None:
        source = np.array([1.0, 2.0], np.float32)
        array = self.provider.convert(source)
        source[0] = 7.0
        assert values(array).tolist() == [1.0, 2.0]

    @pytest.mark.parametrize("name", ["shape", "dtype", "device", "payload"])
    def test_an_array_has_no_settable_attribute(self, name: str) -> None:
        array = self.provider.convert([1.0, 2.0])
        with pytest.raises((AttributeError, TypeError)):
            setattr(array, name, getattr(array, name))

    def test_an_array_takes_no_items(self) -> None:
        array = self.provider.convert([1.0, 2.0])
        with pytest.raises(TypeError):
            array[0] = 3.0

    def test_augmented_assignment_makes_another_array(self) -> None:
        array = kept = self.provider.convert([1.0, 2.0])
        array += 1.0
        assert (values(kept).tolist(), values(array).tolist()) == ([1.0, 2.0], [2.0, 3.0])

    # ------------------------------------------------------------------ promotion and operators

    @pytest.mark.parametrize(("first", "second"), PAIRS)
    def test_operands_meet_in_the_dtype_of_the_table(self, first: dt.DType, second: dt.DType) -> None:
        one, other = self.provider.convert([1], dtype=first), self.provider.convert([1], dtype=second)
        try:
            expected = dt.promote(first, second)
        except DTypeError:
            with pytest.raises(DTypeError):
                ops.equal(one, other)
            return
        assert ops.where(True, one, other).dtype is expected
        assert ops.where(True, other, one).dtype is expected

    @each_dtype
    @pytest.mark.parametrize("scalar", [2, 0.5, 1j], ids=["int", "float", "complex"])
    def test_python_numbers_are_weak(self, dtype: dt.DType, scalar: Any) -> None:
        array = self.provider.convert([1], dtype=dtype)
        try:
            expected = dt.with_scalar(dtype, scalar)
        except DTypeError:
            with pytest.raises(DTypeError):
                ops.multiply(array, scalar)
            return
        assert (array * scalar).dtype is expected
        assert (scalar * array).dtype is expected

    @each_operator
    def test_operators_give_what_numpy_gives(self, operator: Any, oracle: Any) -> None:
        one, other = np.array([[1.5, 2.0], [3.0, 0.5]]), np.array([2.0, 0.5])
        result = operator(self.provider.convert(one), self.provider.convert(other))
        assert self.provider.is_array(result)
        np.testing.assert_allclose(values(result), oracle(one, other), rtol=1e-12)
        np.testing.assert_allclose(values(operator(2.0, self.provider.convert(one))), oracle(2.0, one), rtol=1e-12)
        np.testing.assert_allclose(values(operator(self.provider.convert(one), other)), oracle(one, other), rtol=1e-12)

    def test_unary_operators_and_matmul(self) -> None:
        numbers = np.array([[1.5, -2.0], [3.0, 0.5]])
        array = self.provider.convert(numbers)
        for got, expected in ((-array, -numbers), (+array, numbers), (abs(array), abs(numbers))):
            assert values(got).tolist() == expected.tolist()
        np.testing.assert_allclose(values(array @ array), numbers @ numbers, rtol=1e-12)

    def test_python_numbers_come_back(self) -> None:
        assert (float(self.provider.convert(0.5)), int(self.provider.convert(3))) == (0.5, 3)
        assert bool(self.provider.convert(True)) is True
        with pytest.raises((TypeError, ValueError)):
            float(self.provider.convert([1.0, 2.0]))

    # ------------------------------------------------------------------ evaluate

    def test_evaluate_runs_an_operation(self) -> None:
        operands = (self.provider.convert([[1.0, 2.0]]), self.provider.convert([[3.0], [4.0]]))
        result = self.provider.evaluate(ops.matmul, operands, bind_attributes(ops.matmul, {}))
        assert (result.meta, values(result).tolist()) == (TensorMeta((1, 1), dt.float32), [[11.0]])

    def test_evaluate_gives_several_results_as_a_tuple(self) -> None:
        array = self.provider.convert([1, 2, 3, 4])
        results = self.provider.evaluate(ops.split, (array,), bind_attributes(ops.split, {"sections": 2}))
        assert [values(result).tolist() for result in results] == [[1, 2], [3, 4]]
        assert type(results) is tuple

    def test_evaluate_takes_optional_operands_as_none(self) -> None:
        array = self.provider.convert([1.0, 5.0])
        result = self.provider.evaluate(ops.clip, (array, None, self.provider.convert(2.0)), {})
        assert values(result).tolist() == [1.0, 2.0]

    @pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2)], ids=str)
    def test_evaluate_takes_every_shape(self, shape: tuple[int, ...]) -> None:
        array = self.provider.convert(np.ones(shape, np.float32))
        assert ops.add(array, array).meta == TensorMeta(shape, dt.float32)

    @pytest.mark.parametrize("view", VIEWS.values(), ids=list(VIEWS))
    def test_evaluate_takes_every_stride(self, view: Any) -> None:
        buffer = view(np.arange(12.0).reshape(3, 4))
        array = self.provider.wrap(buffer, TensorMeta(buffer.shape, dt.float64))
        assert values(ops.multiply(array, array)).tolist() == (buffer * buffer).tolist()

    def test_an_operation_without_kernel_runs_its_decomposition(self) -> None:
        array = self.provider.convert([-1.0, 2.0])
        results = ops.squared_error(array, ops.multiply(array, 2.0))
        assert values(results).tolist() == [1.0, 4.0]

    # ------------------------------------------------------------------ errors

    def test_shapes_that_do_not_fit_raise(self) -> None:
        one, other = self.provider.convert([1.0, 2.0]), self.provider.convert([1.0, 2.0, 3.0])
        for _ in range(2):  # the second time from whatever the first remembered
            with pytest.raises(ShapeError, match="add"):
                ops.add(one, other)
        assert values(ops.add(one, one)).tolist() == [2.0, 4.0]
        with pytest.raises(ShapeError):
            ops.add(one, other)

    def test_dtypes_that_are_not_taken_raise(self) -> None:
        with pytest.raises(DTypeError, match="bitwise_and"):
            ops.bitwise_and(self.provider.convert(1.0), self.provider.convert(1.0))

    def test_arguments_that_do_not_fit_raise(self) -> None:
        array = self.provider.convert(1.0)
        with pytest.raises(SignatureError):
            ops.add(array)
        with pytest.raises(SignatureError):
            ops.add(array, array, axis=1)

    # ------------------------------------------------------------------ variables

    def test_a_variable_has_its_role(self) -> None:
        variable = self.provider.variable([1.0, 2.0], name="weights", trainable=False)
        assert isinstance(variable, VariableLike)
        assert (variable.name, variable.trainable) == ("weights", False)
        assert variable.meta == TensorMeta((2,), dt.float32)
        assert self.provider.variable(1.0).trainable is True

    def test_what_was_read_of_a_variable_stays(self) -> None:
        variable = self.provider.variable([1.0, 2.0])
        read = ops.read_variable(variable)
        ops.assign_variable(variable, self.provider.convert([5.0, 6.0]))
        assert values(read).tolist() == [1.0, 2.0]
        assert values(ops.read_variable(variable)).tolist() == [5.0, 6.0]

    def test_a_variable_does_not_change_with_what_it_was_made_of(self) -> None:
        source = np.array([1.0, 2.0], np.float32)
        variable = self.provider.variable(source)
        source[0] = 7.0
        assert values(ops.read_variable(variable)).tolist() == [1.0, 2.0]

    def test_replace_puts_another_buffer_in_force(self) -> None:
        variable = self.provider.variable([1.0, 2.0])
        before, buffer = ops.read_variable(variable), np.array([3.0, 4.0], np.float32)
        variable.replace(buffer)
        assert variable.payload is buffer
        assert values(before).tolist() == [1.0, 2.0]

    @pytest.mark.parametrize("assigned", [None, [5.0, 6.0]], ids=["read", "assigned"])
    def test_a_first_use_is_told_of_before_it_counts(self, assigned: list[float] | None) -> None:
        made, told = self.provider.variable([1.0, 2.0]), []
        if not isinstance(made, SupportsFirstUse):
            pytest.skip("its variables don't offer SupportsFirstUse, which is optional")
        variable: Any = made

        def action() -> None:
            told.append(variable)
            variable.replace(np.array([3.0, 4.0], np.float32))

        variable.before_first_use(action)
        assert variable.meta == TensorMeta((2,), dt.float32)
        assert told == [], "it was not used yet"
        if assigned is not None:
            ops.assign_variable(variable, self.provider.convert(assigned))
        for _ in range(2):
            assert values(ops.read_variable(variable)).tolist() == (assigned or [3.0, 4.0])
        assert len(told) == 1

    def test_a_refused_assignment_changes_nothing(self) -> None:
        variable = self.provider.variable([1.0, 2.0])
        with pytest.raises(ShapeError):
            ops.assign_variable(variable, self.provider.convert([1.0]))
        with pytest.raises(DTypeError):
            ops.assign_variable(variable, self.provider.convert([1, 2]))
        assert values(ops.read_variable(variable)).tolist() == [1.0, 2.0]

    def test_a_variable_is_an_operand(self) -> None:
        variable = self.provider.variable([1.0, 2.0])
        assert values(ops.add(variable, 1.0)).tolist() == [2.0, 3.0]
        assert values(variable * variable).tolist() == [1.0, 4.0]

    def test_variables_of_another_package_are_read_and_assigned(self) -> None:
        variable = HostVariable(np.array([1.0, 2.0], np.float32))
        before = ops.read_variable(variable)
        ops.assign_variable(variable, self.provider.convert([5.0, 6.0]))
        assert (values(before).tolist(), values(ops.add(variable, 1.0)).tolist()) == ([1.0, 2.0], [6.0, 7.0])

    # ------------------------------------------------------------------ threads

    def test_threads_give_what_one_gives(self) -> None:
        array = self.provider.convert(np.linspace(0.0, 1.0, 257))
        expected = values(ops.sum(ops.exp(array))).tobytes()
        found: list[bytes] = []

        def run() -> None:
            for _ in range(20):
                found.append(values(ops.sum(ops.exp(array))).tobytes())

        assert in_threads([run] * 4) == []
        assert set(found) == {expected}
        assert len(found) == 80

    def test_reads_and_assignments_are_atomic(self) -> None:
        """A reader sees one assignment's value whole, never parts of two."""
        variable = self.provider.variable(np.zeros(4096, np.float32))
        constants = [self.provider.convert(np.full(4096, number, np.float32)) for number in range(2)]
        torn: list[int] = []

        def run() -> None:
            for turn in range(50):
                ops.assign_variable(variable, constants[turn % 2])
                read = values(ops.read_variable(variable))
                if np.unique(read).size != 1:
                    torn.append(turn)

        assert in_threads([run] * 3) == []
        assert torn == []
