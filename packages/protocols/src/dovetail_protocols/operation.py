"""What an operation is: data, a shape and dtype rule, and for composites a decomposition.

An operation is declared by decorating a function. Its positional parameters are the operands, annotated with what
dtypes they take; its keyword-only parameters are the attributes. The body of a *primitive* is its shape and dtype rule:
it receives TensorMeta and returns one TensorMeta, or a tuple of them for several results. The body of a *composite* is
its decomposition: it receives arrays and applies other operations; its rule is given as `infer=`.

    @primitive(version=1)
    def matmul(x1: Numeric, x2: Numeric, /) -> Numeric: ...

Annotations (see CONSTRAINTS) name a set of dtypes and a type variable. Operands with the same type variable are brought
to one dtype before the call. `Numeric | None` is an optional operand; `*arrays: AnyDType` takes any number of them.
"""

from __future__ import annotations

from . import arrays
from . import dtypes as dt
from .binding import bind_attributes, bind_operands, bind_quickly, check_dtypes, python_signature
from .default_device import device
from .dispatch import current
from .errors import AttributeValueError, DTypeError, TraceError
from .records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from .metas import TensorMeta

    Infer = Callable[..., "TensorMeta | tuple[TensorMeta, ...]"]


def _names(*kinds: str) -> frozenset[str]:
    return frozenset(known.name for known in dt.ALL if known.kind in kinds)


_FLOATS = _names(dt.FLOATING)
CONSTRAINTS: dict[str, tuple[str, frozenset[str]]] = {
    # annotation: (type variable, dtypes)
    "AnyDType": ("T", _names(dt.BOOLEAN, dt.SIGNED, dt.UNSIGNED, dt.FLOATING, dt.COMPLEX)),
    "Numeric": ("T", _names(dt.SIGNED, dt.UNSIGNED, dt.FLOATING, dt.COMPLEX)),
    "Real": ("T", _names(dt.SIGNED, dt.UNSIGNED, dt.FLOATING)),
    "RealOrBoolean": ("T", _names(dt.BOOLEAN, dt.SIGNED, dt.UNSIGNED, dt.FLOATING)),
    "Inexact": ("T", _names(dt.FLOATING, dt.COMPLEX)),
    "Floating": ("T", _FLOATS),
    "Integer": ("T", _names(dt.SIGNED, dt.UNSIGNED)),
    "IntegerOrBoolean": ("T", _names(dt.BOOLEAN, dt.SIGNED, dt.UNSIGNED)),
    "Statistic": ("S", _FLOATS),
    "LearningRate": ("L", _FLOATS),
    "Boolean": ("B", frozenset({"bool"})),
    "Mask": ("M", frozenset({"bool"}) | _FLOATS),
    "Index": ("I", _names(dt.SIGNED, dt.UNSIGNED)),
    "RandomState": ("R", frozenset({"uint64"})),
    "EachDType": ("*", _names(dt.BOOLEAN, dt.SIGNED, dt.UNSIGNED, dt.FLOATING, dt.COMPLEX)),
    "Variable": ("V", _names(dt.BOOLEAN, dt.SIGNED, dt.UNSIGNED, dt.FLOATING, dt.COMPLEX)),
}
"""Annotation → (type variable, names of the dtypes it takes). Operands under "*" keep each its own dtype; "V" is a
variable itself, not its value."""


@record
class Operand:
    """A positional parameter of an operation: its name, its type variable and the dtypes that this one may have."""

    name: str
    type_variable: str
    dtypes: frozenset[str]
    optional: bool = False
    variadic: bool = False


@record
class Attribute:
    """A keyword parameter of an operation. `required` ones have no default."""

    name: str
    annotation: str
    default: object = None
    required: bool = False


class _SignatureOf:
    """`operation.__signature__`, for editors and `inspect.signature`; the class itself has none."""

    def __get__(self, operation: Operation | None, owner: type) -> Any:
        if operation is None:
            raise AttributeError("__signature__")
        return python_signature(operation)


class Operation:
    """One entry of the operation standard. Call it to apply it: `operations.matmul(x, w)`.

    `name` is qualified ("dovetail::matmul"); `version` counts changes of meaning. Equality is identity: there is one
    object for each name and version. Its docstring is the documentation. `data_dependent`: the sizes of its results
    depend on its operands' values (nonzero, unique_values), so it is evaluated eagerly and refused in traces.
    `has_effect`: it does something besides giving results (print), so that passes neither drop, merge nor reorder its
    nodes among each other.
    """

    def __init__(
        self,
        name: str,
        *,
        version: int,
        operands: tuple[Operand, ...],
        attributes: tuple[Attribute, ...],
        infer: Infer,
        decomposition: Callable[..., Any] | None,
        documentation: str,
        source_file: str = "",
        data_dependent: bool = False,
        has_effect: bool = False,
    ) -> None:
        self.name, self.version, self.operands, self.attributes = name, version, operands, attributes
        self.__doc__, self.source_file = documentation, source_file
        self._infer, self._decomposition = infer, decomposition
        self.data_dependent, self.has_effect = data_dependent, has_effect
        self._defaults = {attribute.name: attribute.default for attribute in attributes}
        self._attribute_names = frozenset(self._defaults)
        # What binding.bind_quickly compares; None where an operand may be left out, repeated, or is a variable.
        self._quick: tuple[tuple[str, frozenset[dt.DType]], ...] | None = None
        if not any(operand.optional or operand.variadic or operand.type_variable == "V" for operand in operands):
            self._quick = tuple(
                (operand.type_variable, frozenset(known for known in dt.ALL if known.name in operand.dtypes))
                for operand in operands
            )
        # The dtypes that all operands take, where they share one type variable and are all needed.
        self._uniform: frozenset[dt.DType] | None = None
        if self._quick and len({(variable, accepted) for variable, accepted in self._quick}) == 1:
            variable, accepted = self._quick[0]
            self._uniform = None if variable == "*" else accepted
        # What is made of attributes alone is made on the current device, unless one is said.
        self._is_placed = "device" in self._attribute_names and not operands
        self._has_required = any(attribute.required for attribute in attributes)

    # ------------------------------------------------------------------ what it is

    __signature__ = _SignatureOf()

    @property
    def __name__(self) -> str:
        """The name without its namespace, as functions have one."""
        return self.short_name

    @property
    def short_name(self) -> str:
        """The name without its namespace."""
        return self.name.partition("::")[2]

    @property
    def is_primitive(self) -> bool:
        return self._decomposition is None

    def __repr__(self) -> str:
        return f"<operation {self.name} v{self.version}>"

    def __reduce__(self) -> Any:
        from .registry import find_operation

        return find_operation, (self.name, self.version)

    def __copy__(self) -> Operation:
        return self

    def __deepcopy__(self, memo: object) -> Operation:
        return self

    # ------------------------------------------------------------------ what it does

    def infer(
        self, metas: Sequence[TensorMeta | None], attributes: Mapping[str, Any]
    ) -> TensorMeta | tuple[TensorMeta, ...]:
        """Shape, dtype and device of the result, or a tuple of them.

        Raises: ShapeError, DTypeError, DeviceError or AttributeValueError, saying which operand and axis; TraceError
        for a data-dependent operation, whose sizes only its operands' values decide.
        """
        if self.data_dependent:
            raise TraceError(
                f"the shape of the result of {self.short_name} depends on the values of its operands",
                where=self.short_name,
                cause="values are not known while a function is traced, compiled or batched",
                fix="call it outside of the function, or use where(condition, x, 0), or mask with fixed sizes",
            )
        return self.infer_with_values(metas, attributes)

    def infer_with_values(
        self, metas: Sequence[TensorMeta | None], attributes: Mapping[str, Any]
    ) -> TensorMeta | tuple[TensorMeta, ...]:
        """`infer` for evaluators, which hold the operands' values: the same, but a data-dependent operation gives its
        metas too, with UNKNOWN_SIZE for the sizes that its kernel will find.

        Raises: as `infer`, save the TraceError.
        """
        self.check_operands(metas)
        return self._infer(*metas, **attributes)

    def decompose(self, *operands: Any, **attributes: Any) -> Any:
        """The same result in terms of other operations, applied under the current interpreter. What these make anew is
        where the operands are."""
        if self._decomposition is None:
            raise AttributeValueError(f"{self.name} is primitive: it has no decomposition")
        place = next((operand.device for operand in operands if operand is not None), None)
        if place is None:
            return self._decomposition(*operands, **attributes)
        with device(place):
            return self._decomposition(*operands, **attributes)

    def __call__(self, *operands: Any, **attributes: Any) -> Any:
        interpreter = current()
        if interpreter is None:
            return arrays.call(self, operands, attributes)
        if not attributes and not self._has_required and not self._is_placed:
            quick = bind_quickly(self, operands)
            if quick is not None:
                return interpreter.apply(self, quick, self._defaults)
        return interpreter.apply(self, *self.bind(operands, attributes))

    # ------------------------------------------------------------------ from a call to bound operands

    def bind(
        self, operands: tuple[Any, ...], attributes: Mapping[str, Any]
    ) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
        """Operands as arrays of agreeing dtypes, and all attributes in order, as `apply` and interpreters take them.

        Raises: SignatureError for missing, surplus or unknown arguments; DTypeError where operands don't promote.
        """
        if self._attribute_names.issuperset(attributes):
            quick = bind_quickly(self, operands)
            if quick is not None:
                return quick, bind_attributes(self, attributes)
        return bind_operands(self, operands, attributes), bind_attributes(self, attributes)

    def check_operands(self, metas: Sequence[TensorMeta | None]) -> None:
        """Raises DTypeError for an operand whose dtype isn't taken, DeviceError where devices differ."""
        check_dtypes(self, metas)


def primitive(
    *, version: int, namespace: str = "dovetail", data_dependent: bool = False, has_effect: bool = False
) -> Callable[[Callable[..., Any]], Operation]:
    """Declares an operation that other operations don't express: the body is its shape and dtype rule, with
    UNKNOWN_SIZE where a `data_dependent` operation can't know a size. `has_effect`: see Operation."""

    def declare(rule: Callable[..., Any]) -> Operation:
        flags = {"data_dependent": data_dependent, "has_effect": has_effect}
        return _declare(rule, namespace, version, infer=rule, decomposition=None, **flags)

    return declare


def composite(
    *, version: int, infer: Infer, namespace: str = "dovetail", data_dependent: bool = False
) -> Callable[[Callable[..., Any]], Operation]:
    """Declares an operation that other operations express: the body is its decomposition, `infer` its rule, which takes
    the same parameters as the body with TensorMeta in place of arrays."""

    def declare(body: Callable[..., Any]) -> Operation:
        return _declare(body, namespace, version, infer=infer, decomposition=body, data_dependent=data_dependent)

    return declare


def _declare(
    function: Any,
    namespace: str,
    version: int,
    *,
    infer: Infer,
    decomposition: Callable[..., Any] | None,
    **flags: bool,
) -> Operation:
    from .registry import register_operation

    operands, attributes = _signature(function)
    declared = Operation(
        f"{namespace}::{function.__name__}",
        version=version,
        operands=operands,
        attributes=attributes,
        infer=infer,
        decomposition=decomposition,
        documentation=function.__doc__ or "",
        source_file=(function.__module__ or "").rpartition(".")[2],
        **flags,
    )
    return register_operation(declared)


def _signature(function: Any) -> tuple[tuple[Operand, ...], tuple[Attribute, ...]]:
    """Operands and attributes from a function's code object (`inspect` is too slow to import, see records.py)."""
    code, annotations = function.__code__, function.__annotations__
    positional = code.co_varnames[: code.co_argcount]
    keywords = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    defaults = function.__kwdefaults__ or {}
    operands = [_operand(name, annotations[name], variadic=False) for name in positional]
    if code.co_flags & 0x04:  # *args
        name = code.co_varnames[code.co_argcount + code.co_kwonlyargcount]
        operands.append(_operand(name, annotations[name], variadic=True))
    attributes = tuple(
        Attribute(name, annotations.get(name, ""), defaults.get(name), name not in defaults) for name in keywords
    )
    return tuple(operands), attributes


def _operand(name: str, annotation: str, *, variadic: bool) -> Operand:
    constraint, _, option = annotation.partition(" | ")
    if constraint not in CONSTRAINTS:
        raise DTypeError(f"operand {name!r}: unknown constraint {constraint!r}", expected=", ".join(CONSTRAINTS))
    type_variable, allowed = CONSTRAINTS[constraint]
    return Operand(name, type_variable, allowed, option == "None", variadic)
