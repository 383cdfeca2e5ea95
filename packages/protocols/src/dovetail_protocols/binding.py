"""From the arguments of a call to bound operands: conversion, promotion, defaults, and the errors on the way."""

from __future__ import annotations

from . import dtypes as dt
from .arrays import is_variable, provider
from .default_device import current_device, device
from .errors import DeviceError, DTypeError, SignatureError
from .metas import CPU

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from inspect import Signature
    from typing import Any

    from .metas import Device, TensorMeta
    from .operation import Operand, Operation

_SCALARS = frozenset({bool, int, float, complex})
_VARIABLES: set[type] = set()
_INEXACT_ONLY = frozenset(known.name for known in dt.ALL if known.is_differentiable)


def bind_quickly(operation: Operation, given: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """The operands bound, where they are arrays or variables of one dtype for each type variable, and Python numbers
    beside them.

    None where `bind_operands` must look closer, or refuse.
    """
    plan = operation._quick
    if plan is None or len(given) != len(plan):
        return None
    is_array = provider().is_array
    if operation._uniform is not None and _all_alike(given, is_array, operation._uniform):
        return given
    common: dict[str, Any] = {}
    has_scalars = False
    for position, (value, (variable, accepted)) in enumerate(zip(given, plan, strict=True)):
        if not is_array(value):
            if type(value) in _SCALARS:
                has_scalars = True
                continue
            if variable == "V" or not _is_known_variable(value):
                return None
            value = provider().convert(value)
            given = (*given[:position], value, *given[position + 1 :])
        dtype = value.dtype
        if dtype not in accepted or (variable != "*" and common.setdefault(variable, value).dtype is not dtype):
            return None
    return _bind_scalars(given, plan, common) if has_scalars else given


def _all_alike(given: tuple[Any, ...], is_array: Callable[[Any], bool], accepted: frozenset[dt.DType]) -> bool:
    """Whether all operands are arrays of one dtype, out of those accepted."""
    dtype = None
    for value in given:
        if not is_array(value):
            return False
        if dtype is None:
            dtype = value.dtype
        elif value.dtype is not dtype:
            return False
    return dtype in accepted


def _is_known_variable(value: Any) -> bool:
    kind = type(value)
    if kind in _VARIABLES:
        return True
    if not is_variable(value):
        return False
    _VARIABLES.add(kind)
    return True


def _bind_scalars(
    given: tuple[Any, ...], plan: tuple[tuple[str, frozenset[dt.DType]], ...], common: dict[str, Any]
) -> tuple[Any, ...] | None:
    bound = list(given)
    for position, (value, (variable, _)) in enumerate(zip(given, plan, strict=True)):
        if type(value) in _SCALARS:
            array = common.get(variable)
            if array is None or not dt.takes_scalar(array.dtype, value):
                return None
            bound[position] = provider().convert(value, dtype=array.dtype, device=array.device)
    return tuple(bound)


def operand_of(operation: Operation, position: int) -> Operand:
    """The declaration of an operand by position; a variadic one covers all positions from its own."""
    operands = operation.operands
    return operands[min(position, len(operands) - 1)]


def bind_attributes(operation: Operation, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """All attributes in the order of declaration, as plain data: lists become tuples, NumPy's scalars Python's. Without
    operands, an attribute `device` that is None becomes the current device, or stays None for the CPU."""
    if operation._is_placed and given.get("device") is None and current_device() != CPU:
        given = {**given, "device": current_device()}
    if not given:
        if any(attribute.required for attribute in operation.attributes):
            _refuse_missing(operation, given)
        return operation._defaults
    names = operation._attribute_names
    bound = dict(operation._defaults)
    for name, value in given.items():
        if name in names:
            bound[name] = _plain(value)
        elif not any(operand.name == name for operand in operation.operands):
            raise SignatureError(
                f"{operation.short_name} has no argument {name!r}",
                expected=describe_signature(operation),
                got=f"{name}={value!r}",
            )
    _refuse_missing(operation, given)
    return bound


def _refuse_missing(operation: Operation, given: Mapping[str, Any]) -> None:
    missing = [
        attribute.name for attribute in operation.attributes if attribute.required and attribute.name not in given
    ]
    if missing:
        raise SignatureError(
            f"{operation.short_name} is missing {', '.join(missing)}", expected=describe_signature(operation)
        )


def _plain(value: Any) -> Any:
    """The value as attributes hold it: hashable, and without NumPy's scalars, which a graph's JSON form lacks."""
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return tuple(_plain(item) for item in value)
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        return _plain(value.tolist())
    return value


def bind_operands(operation: Operation, given: tuple[Any, ...], keywords: Mapping[str, Any]) -> tuple[Any, ...]:
    """Operands as arrays (or None, or a variable), brought to one dtype for each type variable."""
    values = _arrange(operation, given, keywords)
    is_array = provider().is_array
    pending = [
        position
        for position, value in enumerate(values)
        if not is_array(value) and not (value is None or operand_of(operation, position).type_variable == "V")
    ]
    weak = [position for position in pending if _is_scalar(values[position])]
    beside = _device_of(values, is_array)
    for position in pending:
        if position not in weak:
            values[position] = _convert(operation, position, values[position], beside)
    groups: dict[str, list[int]] = {}
    for position, value in enumerate(values):
        variable = operand_of(operation, position).type_variable
        if value is not None and variable != "V":
            groups.setdefault(f"*{position}" if variable == "*" else variable, []).append(position)
    for positions in groups.values():
        _unify(operation, values, positions, weak, beside)
    return tuple(values)


def _device_of(values: Sequence[Any], is_array: Callable[[Any], bool]) -> Device | None:
    """Where the first array or variable among some values is; None where there is none."""
    for value in values:
        if is_array(value) or (value is not None and is_variable(value)):
            found: Device = value.meta.device
            return found
    return None


def _arrange(operation: Operation, given: tuple[Any, ...], keywords: Mapping[str, Any]) -> list[Any]:
    """Operands by position; those passed by keyword and optional ones left out (None) filled in."""
    declared = operation.operands
    variadic = bool(declared) and declared[-1].variadic
    values = list(given)
    if len(values) > len(declared) and not variadic:
        raise SignatureError(
            f"{operation.short_name} takes {len(declared)} operand{'s' * (len(declared) != 1)} but got {len(values)}",
            expected=describe_signature(operation),
            fix="attributes such as axis= are passed by keyword",
        )
    twice = [operand.name for operand in declared[: len(values)] if operand.name in keywords]
    if twice:
        raise SignatureError(
            f"{operation.short_name} got {', '.join(twice)} twice", expected=describe_signature(operation)
        )
    for operand in declared[len(values) :]:
        if operand.variadic:
            break
        if operand.name in keywords:
            values.append(keywords[operand.name])
        elif operand.optional:
            values.append(None)
        else:
            raise SignatureError(
                f"{operation.short_name} is missing operand {operand.name!r}", expected=describe_signature(operation)
            )
    for position, value in enumerate(values):
        if value is None and not operand_of(operation, position).optional:
            raise SignatureError(
                f"{operation.short_name}: operand {operand_of(operation, position).name!r} is None",
                expected=describe_signature(operation),
            )
    return values


def _convert(operation: Operation, position: int, value: Any, beside: Device | None) -> Any:
    """An operand as an array: a variable's value where it is, what Python or NumPy hold on the device `beside`."""
    try:
        with device(beside or current_device()):
            return provider().convert(value)
    except (TypeError, ValueError) as error:
        name = operand_of(operation, position).name
        raise SignatureError(
            f"{operation.short_name}: operand {name!r} can't be made an array",
            expected="an array, a variable, a number, or a nested list of numbers",
            got=f"{type(value).__name__}: {error}",
        ) from error


def _unify(
    operation: Operation, values: list[Any], positions: list[int], weak: list[int], beside: Device | None
) -> None:
    """Brings the operands of one type variable to one dtype, in place."""
    strong = [values[position].dtype for position in positions if position not in weak]
    scalars = [position for position in positions if position in weak]
    target = _common(operation, strong, [values[position] for position in scalars], positions)
    for position in positions:
        if position in weak:
            values[position] = _from_scalar(values[position], target, beside)
        elif values[position].dtype is not target:
            from .operations import cast

            values[position] = cast(values[position], dtype=target)


def _is_scalar(value: Any) -> bool:
    """Whether an operand is a Python number, or a size that a trace does not know, which knows how to be an array."""
    return type(value) in _SCALARS or hasattr(type(value), "as_array")


def _from_scalar(value: Any, dtype: dt.DType, beside: Device | None) -> Any:
    if type(value) in _SCALARS:
        return provider().convert(value, dtype=dtype, device=beside)
    return value.as_array(dtype, beside)


def _common(operation: Operation, strong: list[dt.DType], scalars: list[Any], positions: list[int]) -> dt.DType:
    try:
        if strong:
            common = strong[0]
            for other in strong[1:]:
                common = dt.promote(common, other)
            for scalar in scalars:
                common = dt.with_scalar(common, scalar)
        else:
            common = dt.of_scalar(scalars[0])
            for scalar in scalars[1:]:
                common = dt.promote(common, dt.of_scalar(scalar))
    except DTypeError as error:
        error.where = f"{operation.short_name}, " + ", ".join(operand_of(operation, p).name for p in positions)
        raise
    allowed = operation.operands[min(positions[0], len(operation.operands) - 1)].dtypes
    if common.is_integer and common.name not in allowed and allowed <= _INEXACT_ONLY:
        return dt.DEFAULT_FLOATING
    return common


def check_dtypes(operation: Operation, metas: Sequence[TensorMeta | None]) -> None:
    """Refuses an operand whose dtype its declaration doesn't take, and operands on different devices."""
    device = None
    for position, meta in enumerate(metas):
        if meta is None:
            continue
        operand = operand_of(operation, position)
        if meta.dtype.name not in operand.dtypes:
            raise DTypeError(
                f"{operation.short_name} doesn't take {meta.dtype}",
                where=f"{operation.short_name}, operand {operand.name!r}",
                expected=", ".join(known.name for known in dt.ALL if known.name in operand.dtypes),
                got=f"{meta}",
                fix="convert it with .astype(...)",
            )
        if device is not None and meta.device != device:
            raise DeviceError(
                f"{operation.short_name}: operands are on different devices",
                where=f"{operation.short_name}, operand {operand.name!r}",
                expected=f"{device}",
                got=f"{meta.device}",
                fix="move one with .to_device(...); copies between devices are never implicit",
            )
        device = meta.device


def python_signature(operation: Operation) -> Signature:
    """The call as `inspect.signature` gives it."""
    from inspect import Parameter, Signature

    parameters = []
    for operand in operation.operands:
        kind = Parameter.VAR_POSITIONAL if operand.variadic else Parameter.POSITIONAL_OR_KEYWORD
        parameters.append(Parameter(operand.name, kind, default=None if operand.optional else Parameter.empty))
    for attribute in operation.attributes:
        default = Parameter.empty if attribute.required else attribute.default
        parameters.append(Parameter(attribute.name, Parameter.KEYWORD_ONLY, default=default))
    return Signature(parameters)


def describe_signature(operation: Operation) -> str:
    """The call as a person would write it: `softmax(x, *, axis=-1)`."""
    operands = [("*" if o.variadic else "") + o.name + ("=None" if o.optional else "") for o in operation.operands]
    attributes = [a.name if a.required else f"{a.name}={a.default!r}" for a in operation.attributes]
    star = ["*"] if attributes and not any(o.variadic for o in operation.operands) else []
    return f"{operation.short_name}({', '.join([*operands, *star, *attributes])})"
