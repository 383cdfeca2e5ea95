"""From a module and its traced functions to the records of a program."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from hashlib import sha256
from typing import Any

from dovetail_protocols.arrays import is_variable
from dovetail_protocols.errors import CheckpointError, SignatureError, StructureError
from dovetail_protocols.functions import ExportedFunction, SupportsExport, SupportsSignatures

from ..object_tree import Flattened, flatten, shown
from . import structures
from .document import write_function
from .loaded import LoadedObject
from .makers import maker
from .records import FunctionRecord, Path, VariableRecord


class Description:
    """What an export of a module will hold: its functions, written, each once, and the records around them."""

    def __init__(self, module: Any, signatures: Any, methods: Collection[str] | None) -> None:
        self.flattened = _flattened(module)
        self.variables = _variables(module, self.flattened)
        self.functions: list[dict[str, Any]] = []
        self._numbers: dict[bytes, int] = {}
        self._places = {id(self.flattened.tensors[one.path]): place for place, one in enumerate(self.variables)}
        self.signatures = {name: self._signature(name, given) for name, given in _named(signatures).items()}
        self.methods = self._methods(methods)

    @property
    def objects(self) -> tuple[Path, ...]:
        """The paths of everything that has attributes or elements, parents first."""
        found: dict[Path, None] = dict.fromkeys(self.flattened.owners)
        for path in (*self.flattened.tensors, *self.flattened.aliases, *self.flattened.scalars):
            found |= dict.fromkeys(path[:length] for length in range(len(path)))
        return tuple(sorted(found, key=len))

    # ------------------------------------------------------------------ functions

    def _signature(self, name: str, given: Any) -> tuple[int, ...]:
        traces = _exported(name, given)
        forms = {(trace.input_names, _output_names(trace.result, name)) for trace in traces}
        if len(forms) != 1:
            raise SignatureError(
                f"the signature {name!r} has several forms",
                expected="the same names of inputs and outputs in each trace",
                got="; ".join(f"{', '.join(inputs)} → {', '.join(outputs)}" for inputs, outputs in sorted(forms)),
                fix="give a concrete function: fn.get_concrete_function(TensorSpec(…))",
            )
        return tuple(self._add(trace) for trace in traces)

    def _methods(self, chosen: Collection[str] | None) -> dict[Path, dict[str, tuple[int, ...]]]:
        found: dict[Path, dict[str, tuple[int, ...]]] = {}
        wanted = None if chosen is None else dict.fromkeys(chosen)
        for path, owner in self.flattened.owners.items():
            for name, function in _functions(owner).items():
                full = shown((*path, name))
                if wanted is not None and full not in wanted:
                    continue
                traces = function.exported()
                if traces:
                    found.setdefault(path, {})[name] = tuple(self._add(trace) for trace in traces)
                    if wanted is not None:
                        del wanted[full]
        if wanted:
            raise SignatureError(
                "methods to be exported have no traces",
                got=", ".join(wanted),
                fix="call them once, or call their get_concrete_function, before the export",
            )
        return found

    def _add(self, trace: ExportedFunction) -> int:
        """The number of a trace among the functions."""
        unknown = [one.name for one in trace.variables if id(one) not in self._places]
        if unknown:
            raise CheckpointError(
                f"a trace of {trace.name!r} uses variables that the module doesn't hold",
                got=", ".join(unknown),
                effect="nothing was exported",
                fix="call the module once before, so that its layers have them; make them attributes of it; group "
                "objects as Checkpoint(model=model, …); or leave the method out with methods=",
            )
        numbers = tuple(self._places[id(one)] for one in trace.variables)
        positional, keyword = trace.arguments
        record = FunctionRecord(
            trace.name,
            trace.convention,
            (tuple(positional), dict(keyword)),
            tuple(trace.input_names),
            trace.result,
            trace.template,
            numbers,
        )
        written = write_function(record)
        key = sha256(repr(written).encode()).digest()
        if key not in self._numbers:
            self._numbers[key] = len(self.functions)
            self.functions.append(written)
        return self._numbers[key]


# ---------------------------------------------------------------------- what is given


def _flattened(module: Any) -> Flattened:
    flattened = flatten(module)
    if () not in flattened.owners:
        raise StructureError(
            "this is no module to be exported",
            expected="an object with checkpoint_state(), such as a Module",
            got=f"a {type(module).__name__}",
            fix="group objects as Checkpoint(model=model, …)",
        )
    plain = [shown(path) for path, value in flattened.tensors.items() if not is_variable(value)]
    if plain:
        raise StructureError(
            "a program's values are variables",
            where=", ".join(plain),
            got="plain arrays",
            fix="hold them in variables; trainable=False where training shall leave them alone",
        )
    return flattened


def _variables(module: Any, flattened: Flattened) -> tuple[VariableRecord, ...]:
    """Every variable, in the module's own order where it has one."""
    order = {id(variable): place for place, variable in enumerate(getattr(module, "variables", ()))}
    items = sorted(flattened.tensors.items(), key=lambda item: order.get(id(item[1]), len(order)))
    return tuple(
        VariableRecord(path, one.name, bool(one.trainable), one.meta.dtype, tuple(one.meta.shape), one.meta.device)
        for path, one in items
    )


def _named(signatures: Any) -> Mapping[str, Any]:
    if signatures is None:
        return {}
    named = signatures if isinstance(signatures, Mapping) else {"serving_default": signatures}
    for name in named:
        if not isinstance(name, str) or not name.isidentifier():
            raise SignatureError(f"{name!r} is no name of a signature", expected="an identifier")
    return named


def _exported(name: str, given: Any) -> Sequence[ExportedFunction]:
    """The traces of what was given as a signature: a traced or concrete function, or (function, specs)."""
    if isinstance(given, tuple) and len(given) == 2 and callable(given[0]):
        given = _concrete(*given, name=name)
    if not isinstance(given, SupportsExport):
        raise SignatureError(
            f"the signature {name!r} is no traced function",
            expected="a function made by dovetail.function, a concrete function of it, or (function, [TensorSpec, …])",
            got=f"a {type(given).__name__}",
        )
    traces = given.exported()
    if not traces:
        raise SignatureError(
            f"the function of the signature {name!r} was not traced yet",
            fix="give (function, [TensorSpec, …]), or its get_concrete_function(TensorSpec(…))",
        )
    return traces


def _concrete(function: Callable[..., Any], specs: Any, *, name: str) -> Any:
    made: Any = function
    if not isinstance(function, SupportsSignatures):
        package = maker()
        if package is None:
            raise SignatureError(
                "no package that traces functions is installed",
                got=f"{function!r:.80}, which is not traced",
                fix="pip install dovetail-functions",
            )
        made = package.function(function, name=name)
    arguments, keywords = ((), specs) if isinstance(specs, Mapping) else (specs, {})
    return made.get_concrete_function(*arguments, **keywords)


def _functions(owner: Any) -> Mapping[str, SupportsExport]:
    """An object's traced functions by name: those of its class, and those that are its attributes."""
    if isinstance(owner, LoadedObject):
        return owner.methods
    own = getattr(owner, "__dict__", {})
    names = sorted({*dir(type(owner)), *own})
    static = {name: own.get(name, inspect.getattr_static(owner, name, None)) for name in names}
    return {name: getattr(owner, name) for name, value in static.items() if isinstance(value, SupportsExport)}


def _output_names(result: Any, signature: str) -> tuple[str, ...]:
    names = structures.output_names(result)
    if names is None:
        raise StructureError(
            f"the signature {signature!r} returns something else than named arrays",
            expected="an array, a sequence of arrays, or a dict of arrays by name",
            got=f"{result!r:.120}",
        )
    return names
