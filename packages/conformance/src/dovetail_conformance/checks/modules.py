"""What is asked of a module: variables that are found, once each and in one order, made once; calls that are functions
of variables and inputs; state that can be handed over."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dovetail_protocols.arrays import is_variable, provider
from dovetail_protocols.creation import telling
from dovetail_protocols.errors import DovetailError
from dovetail_protocols.roles import SupportsCheckpoint, SupportsPartialState, SupportsVariables, VariableLike

from ..cases import Operand
from ..module_cases import ModuleCase
from ..numpy_dtypes import numpy_dtype
from ..tolerances import FACTORS, difference, unit
from .states import all_bits, buffer_of, hand_over, restore_values, signature, state_of, wrapped

Call = Callable[..., Any]


def arrays_of(operands: Sequence[Operand]) -> list[Any]:
    """Arrays of the tensor package in use, float32 where an operand names no dtype."""
    return [wrapped(one.make(numpy_dtype(one.dtype or "float32"), place)) for place, one in enumerate(operands)]


def results_of(given: Any) -> list[Any]:
    """The arrays in what a call gave, containers in their order."""
    if provider().is_array(given):
        return [given]
    if isinstance(given, dict):
        return [leaf for value in given.values() for leaf in results_of(value)]
    if isinstance(given, list | tuple):
        return [leaf for value in given for leaf in results_of(value)]
    return []


def called(case: ModuleCase, module: Any, inputs: Sequence[Operand] | None = None) -> list[Any]:
    """The results of one call."""
    return results_of(case.call(module, *arrays_of(case.inputs if inputs is None else inputs)))


def built(case: ModuleCase) -> Any:
    """A new module that was called once."""
    module = case.make()
    called(case, module)
    return module


def role_problems(case: ModuleCase) -> list[str]:
    """What a module lacks of SupportsVariables."""
    module: Any = case.make()
    if not isinstance(module, SupportsVariables):
        return [f"a {type(module).__name__} has no variables and trainable_variables"]
    found = [] if called(case, module) else ["a call gives no array"]
    listed: Sequence[Any] = module.variables
    for variable in listed:
        if not isinstance(variable, VariableLike):
            found.append(f"among its variables is a {type(variable).__name__}, which is no VariableLike")
        elif not isinstance(variable.name, str) or not variable.name:
            found.append(f"a variable of {variable.meta} has no name")
    return found


def discovery_problems(case: ModuleCase) -> list[str] | None:
    """Variables that were made and aren't found, or the other way round; None where nobody tells what is made."""
    made: list[Any] = []
    with telling(made.append):
        provider().variable(0.0)
        if not made:
            return None
        made.clear()
        module = built(case)
    known, listed = {id(variable) for variable in made}, {id(variable) for variable in module.variables}
    return [
        *[f"it made variable {one.name!r}, {one.meta}, and doesn't list it" for one in made if id(one) not in listed],
        *[f"it lists variable {one.name!r}, which it didn't make" for one in module.variables if id(one) not in known],
    ]


def order_problems(case: ModuleCase) -> list[str]:
    """Whether variables are listed once each, in one order; and what is trainable is among them."""
    module, other = built(case), built(case)
    found = []
    for name in ("variables", "trainable_variables"):
        first, second = [list(getattr(module, name)) for _ in range(2)]
        if list(map(id, first)) != list(map(id, second)):
            found.append(f"{name} differs from one reading to the next")
        if len(set(map(id, first))) != len(first):
            found.append(f"{name} lists a variable twice")
        if signature(first) != signature(getattr(other, name)):
            found.append(f"{name} of two modules made alike have other names, shapes, dtypes or order")
    trainable = {id(variable) for variable in module.trainable_variables}
    ordered = [id(variable) for variable in module.variables if id(variable) in trainable]
    if ordered != [id(variable) for variable in module.trainable_variables]:
        found.append("trainable_variables is no part of variables in the same order")
    found += [
        f"{v.name!r} is listed as trainable and says it isn't" for v in module.trainable_variables if not v.trainable
    ]
    return found


def building_problems(case: ModuleCase) -> list[str]:
    """Whether calls after the first make, drop, replace or draw anew a variable."""
    module = built(case)
    before, values = list(map(id, module.variables)), all_bits(module.variables)
    kept = list(module.variables)  # so that no id is given twice
    found: list[str] = []
    made: list[Any] = []
    for inputs in (case.inputs, *case.others):
        with telling(made.append):
            called(case, module, inputs)
        if made:
            found.append(f"a further call made {len(made)} more variables, such as {made[0].name!r}")
        if list(map(id, module.variables)) != before:
            found.append("a further call changed which variables there are")
        if not case.updates and all_bits(kept) != values:
            found.append("a further call changed values of variables")
        made.clear()
    return sorted(set(found))


def purity_problems(case: ModuleCase) -> list[str]:
    """Whether a call depends on anything but variables and inputs, or changes what it must not."""
    module, found = built(case), []
    inputs = arrays_of(case.inputs)
    given, before = all_bits(inputs), all_bits(module.variables)
    first = all_bits(results_of(case.call(module, *inputs)))
    after = all_bits(module.variables)
    for variable, one, other in zip(module.variables, before, after, strict=True):
        if one != other and not case.updates:
            found.append(f"a call changed variable {variable.name!r}, which isn't declared: updates=True")
        elif one != other and variable.trainable:
            found.append(f"a call changed the trainable variable {variable.name!r}")
    if case.updates and before == after:
        found.append("it is declared to update variables, and a call changed none")
    if all_bits(inputs) != given:
        found.append("a call changed its inputs")
    restore_values(module.variables, before)
    if all_bits(results_of(case.call(module, *inputs))) != first:
        found.append("two calls with equal variables and inputs gave different results")
    return found


def tracing_problems(case: ModuleCase, traced: Call) -> list[str]:
    """How a traced call differs from an eager one: at first, after variables changed, and in what it builds."""
    module, found = built(case), []
    function = traced(lambda *inputs: case.call(module, *inputs))
    found += [f"traced: {text}" for text in _differences(case, module, function)]
    for variable in module.trainable_variables:
        if variable.meta.dtype.is_floating:
            before = buffer_of(variable)
            variable.replace(np.asarray(before + before.dtype.type(0.25)))
    found += [f"traced, after variables changed: {text}" for text in _differences(case, module, function)]
    late = case.make()
    results_of(traced(lambda *inputs: case.call(late, *inputs))(*arrays_of(case.inputs)))
    if signature(late.variables) != signature(module.variables):
        found.append("a module whose first call is traced has other variables than one whose first call isn't")
    return found


def _differences(case: ModuleCase, module: Any, function: Call) -> list[str]:
    inputs, before = arrays_of(case.inputs), all_bits(module.variables)
    eager, eager_state = _outcome(module, lambda: case.call(module, *inputs))
    restore_values(module.variables, before)
    given, state = _outcome(module, lambda: function(*inputs))
    if len(given) != len(eager):
        return [f"it gives {len(given)} arrays, not {len(eager)}"]
    found = []
    for name, ones, others in (("result", given, eager), ("variable", state, eager_state)):
        for place, (one, other) in enumerate(zip(ones, others, strict=True)):
            if (one.shape, one.dtype) != (other.shape, other.dtype):
                found.append(f"{name} {place} is {one.dtype}{one.shape}, not {other.dtype}{other.shape}")
            elif text := difference(one, other, unit(one.dtype), FACTORS["default"]):
                found.append(f"{name} {place}: {text}")
    return found


def _outcome(module: Any, call: Call) -> tuple[list[Any], list[Any]]:
    results = [buffer_of(result) for result in results_of(call())]
    return results, [buffer_of(variable).copy() for variable in module.variables]


def refusal_problems(case: ModuleCase) -> list[str]:
    """Whether wrong inputs raise an error that names the module, and leave everything as it was."""
    found = []
    for operands in case.refused:
        module, shapes = built(case), ", ".join(str(one.shape) for one in operands)
        before, ids = all_bits(module.variables), list(map(id, module.variables))
        found += [f"inputs of shapes {shapes}: {text}" for text in _refusal(case, module, operands)]
        if (all_bits(module.variables), list(map(id, module.variables))) != (before, ids):
            found.append(f"inputs of shapes {shapes} were refused, but changed variables")
        found += [f"inputs of shapes {shapes}: {text}" for text in _refusal_at_first(case, operands)]
    return found


def _refusal_at_first(case: ModuleCase, operands: Sequence[Operand]) -> list[str]:
    """Whether a module whose first call was refused is one that can still be built and called."""
    module = case.make()
    try:
        called(case, module, operands)
    except Exception:  # noqa: BLE001 - what it raises is judged where it was built before
        try:
            called(case, module)
        except Exception as error:  # noqa: BLE001 - a module may raise anything
            return [f"after they were refused at the first call, right ones raise {type(error).__name__}: {error}"]
        if signature(module.variables) != signature(built(case).variables):
            return ["after they were refused at the first call, right ones make other variables"]
    return []


def _refusal(case: ModuleCase, module: Any, operands: Sequence[Operand]) -> list[str]:
    names = {str(getattr(module, "name", type(module).__name__)), type(module).__name__}
    try:
        called(case, module, operands)
    except DovetailError as error:
        return (
            [] if any(name in str(error) for name in names) else [f"the error names no {' or '.join(names)}: {error}"]
        )
    except Exception as error:  # noqa: BLE001 - a module may raise anything; only some of it helps
        return [f"raised {type(error).__name__}, which is no DovetailError: {error}"]
    return ["was accepted"]


def checkpoint_problems(case: ModuleCase) -> list[str]:
    """Whether state handed to another module makes it give the same, and holds every variable."""
    module, other = built(case), built(case)
    listed, found = list(module.variables), []
    if isinstance(module, SupportsCheckpoint):
        saved = {id(value) for value in state_of(module)[0].values()}
        found += [f"checkpoint_state() lacks variable {v.name!r}" for v in listed if id(v) not in saved]
    if isinstance(module, SupportsPartialState):
        found += _partial_problems(module)
    found += hand_over(module, other)
    if not found and all_bits(called(case, module)) != all_bits(called(case, other)):
        found.append("another module with the same state gives other results")
    return found


def _partial_problems(module: Any) -> list[str]:
    """Whether state that is asked for by attribute is that of the whole."""
    whole = module.checkpoint_state()
    names = dict.fromkeys(name.partition("/")[0] for name in whole)
    found = []
    for asked in (*names, "no_such_attribute"):
        expected = {name: child for name, child in whole.items() if name.partition("/")[0] == asked}
        part = module.checkpoint_state_of(asked)
        other = [name for name in expected if is_variable(expected[name]) and part.get(name) is not expected[name]]
        if other or list(part) != list(expected):
            given, wanted = (", ".join(map(repr, names)) or "nothing" for names in (part, expected))
            found.append(f"checkpoint_state_of({asked!r}) gives {given}; checkpoint_state() has {wanted} there")
    return found


def copying_problems(case: ModuleCase, copied: Call) -> list[str]:
    """Whether a copy has variables of its own, and gives the same. Raises: what copying raises."""
    module = built(case)
    other = copied(module)
    if signature(other.variables) != signature(module.variables):
        return ["the copy has other variables"]
    if set(map(id, other.variables)) & set(map(id, module.variables)):
        return ["the copy shares variables with the original"]
    if all_bits(other.variables) != all_bits(module.variables):
        return ["the copy's variables have other values"]
    if all_bits(called(case, other)) != all_bits(called(case, module)):
        return ["the copy gives other results"]
    return []


COPIES: dict[str, Call] = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda module: pickle.loads(pickle.dumps(module)),
}
NOT_COPIED = (TypeError, AttributeError, NotImplementedError, pickle.PicklingError)
