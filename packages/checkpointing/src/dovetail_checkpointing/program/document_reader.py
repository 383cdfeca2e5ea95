"""From the JSON of program.json to the records of a program. Nothing is believed before it was checked, and all of it
against the rest."""

from __future__ import annotations

import re
from inspect import Parameter, Signature
from typing import Any

from dovetail_protocols.dtypes import dtype
from dovetail_protocols.errors import DovetailError, GraphError, PluginError
from dovetail_protocols.graph_json import from_document
from dovetail_protocols.graph_json_reader import check_operations
from dovetail_protocols.metas import Device, device

from . import structures
from .constants import unshared
from .format import ASSET_NAME, corrupt
from .placing import placed
from .records import AssetRecord, FunctionRecord, Path, ProgramRecord, VariableRecord

_DIGEST = re.compile(r"[0-9a-f]{64}")
_KINDS = {
    kind.name.lower(): kind
    for kind in (
        Parameter.POSITIONAL_ONLY,
        Parameter.POSITIONAL_OR_KEYWORD,
        Parameter.VAR_POSITIONAL,
        Parameter.KEYWORD_ONLY,
        Parameter.VAR_KEYWORD,
    )
}
_MEMBERS = (
    "format", "version", "writer", "signatures", "methods", "variables", "objects", "aliases", "assets", "weights",
    "functions", "constants",
)  # fmt: skip


def read_program(document: dict[str, Any], where: object, place: Device | None = None) -> ProgramRecord:
    """The records of a document; with `place`, of one moved to that device.

    Raises: GraphError with the names of all operations that are not known here, or for a graph that isn't well formed;
    CheckpointCorruptError for anything else.
    """
    try:
        check_operations(document.get("functions"))
        return _read_program(document if place is None else placed(document, place))
    except (GraphError, PluginError):
        raise
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        what = error.what if isinstance(error, DovetailError) else f"{type(error).__name__}: {error}"
        raise corrupt(where, what) from error


def _read_program(document: dict[str, Any]) -> ProgramRecord:
    if document.keys() != set(_MEMBERS):
        raise ValueError(f"its members differ: {', '.join(sorted(map(str, document.keys() ^ set(_MEMBERS))))}")
    variables = tuple(_read_variable(one) for one in _typed(document["variables"], list))
    written = unshared(_typed(document["functions"], list), document["constants"])
    functions = tuple(_read_function(one, variables) for one in written)
    count = len(functions)
    signatures = {name: _numbers(read, count) for name, read in _typed(document["signatures"], dict).items()}
    methods = {}
    for path, read in _typed(document["methods"], list):
        methods[_path(path)] = {name: _numbers(numbers, count) for name, numbers in _typed(read, dict).items()}
    aliases = {_path(path): _path(target) for path, target in _typed(document["aliases"], list)}
    assets = {name: _read_asset(name, read) for name, read in _typed(document["assets"], dict).items()}
    objects = tuple(_path(path) for path in _typed(document["objects"], list))
    weights = _typed(document["weights"], str)
    if not _DIGEST.fullmatch(weights):
        raise ValueError("the digest of its weights is none")
    record = ProgramRecord(functions, signatures, methods, variables, objects, aliases, assets, weights)
    _check_paths(record)
    for name, numbers in signatures.items():
        forms = {(functions[one].input_names, structures.output_names(functions[one].result)) for one in numbers}
        if len(forms) != 1 or None in next(iter(forms)):
            raise ValueError(f"the functions of the signature {name!r} have other inputs or outputs than one another")
    return record


def _check_paths(record: ProgramRecord) -> None:
    """Raises ValueError where paths contradict one another."""
    variables = [one.path for one in record.variables]
    objects = set(record.objects)
    known = {*variables, *objects}
    if len(set(variables)) != len(variables) or len(objects) != len(record.objects) or objects & set(variables):
        raise ValueError("a path stands twice")
    for path in (*variables, *record.aliases):
        if any(path[:length] in record.aliases or path[:length] in variables for length in range(len(path))):
            raise ValueError(f"the path {path} leads through a variable or an alias")
    if not set(record.methods) <= objects:
        raise ValueError("methods of an object that there isn't")
    if not set(record.aliases.values()) <= known or known & set(record.aliases):
        raise ValueError("an alias of something that there isn't, or of itself")


def _read_function(read: Any, variables: tuple[VariableRecord, ...]) -> FunctionRecord:
    fields = _fields(read, "name", "parameters", "arguments", "inputs", "result", "variables", "graph")
    parameters = fields["parameters"]
    arguments = structures.decode(fields["arguments"])
    if not (type(arguments) is tuple and [type(part) for part in arguments] == [tuple, dict]):
        raise ValueError("the arguments of a function are no tuple and dict")
    record = FunctionRecord(
        _typed(fields["name"], str),
        None if parameters is None else Signature([_read_parameter(one) for one in _typed(parameters, list)]),
        arguments,
        tuple(_typed(name, str) for name in _typed(fields["inputs"], list)),
        structures.decode(fields["result"]),
        from_document(fields["graph"]),
        _numbers(fields["variables"], len(variables), may_be_none=True),
    )
    _check_graph(record, variables)
    return record


def _check_graph(record: FunctionRecord, variables: tuple[VariableRecord, ...]) -> None:
    """Raises ValueError where a graph is not that of its function: inputs, variables, states and results disagree."""
    graph, count = record.template.graph, len(record.input_names)
    if sorted(structures.slots(record.arguments)) != list(range(count)) or len(set(record.input_names)) != count:
        raise ValueError(f"the arguments of {record.name!r} are not its inputs")
    used = [variables[number] for number in record.variables]
    if len(set(record.variables)) != len(used) or len(graph.inputs) != count + len(used):
        raise ValueError(f"the inputs of {record.name!r} are not those of its graph")
    for value, variable in zip(graph.inputs[count:], used, strict=True):
        meta = value.meta
        if (meta.shape, meta.dtype, meta.device) != (variable.shape, variable.dtype, variable.device):
            raise ValueError(f"the variable {variable.name!r} is not what the graph of {record.name!r} takes")
    if [state.input for state in graph.states] != list(range(count, len(graph.inputs))):
        raise ValueError(f"the states of {record.name!r} are not its variables")
    assigned = [state.output for state in graph.states if state.output is not None]
    results = len(graph.outputs) - len(assigned)
    if sorted(assigned) != list(range(results, len(graph.outputs))):
        raise ValueError(f"the outputs of {record.name!r} are not results, then new values of variables")
    if sorted(structures.slots(record.result)) != list(range(results)):
        raise ValueError(f"the result of {record.name!r} is not that of its graph")


def _read_parameter(read: Any) -> Parameter:
    fields = dict(_typed(read, dict))
    default = structures.decode(fields.pop("default")) if "default" in fields else Parameter.empty
    fields = _fields(fields, "name", "kind")
    if list(structures.slots(default)):
        raise ValueError("a default is an array")
    return Parameter(_typed(fields["name"], str), _KINDS[_typed(fields["kind"], str)], default=default)


def _read_variable(read: Any) -> VariableRecord:
    fields = _fields(read, "path", "name", "trainable", "dtype", "shape", "device")
    place = _typed(fields["device"], str)
    if str(device(place)) != place:
        raise ValueError(f"the device {place!r:.80} has another spelling")
    return VariableRecord(
        _path(fields["path"]),
        _typed(fields["name"], str),
        _typed(fields["trainable"], bool),
        dtype(_typed(fields["dtype"], str)),
        tuple(_natural(size) for size in _typed(fields["shape"], list)),
        device(place),
    )


def _read_asset(name: str, read: Any) -> AssetRecord:
    fields = _fields(read, "bytes", "sha256")
    if not ASSET_NAME.fullmatch(name):
        raise ValueError(f"the name of the asset {name!r:.80} is not plain")
    if not _DIGEST.fullmatch(_typed(fields["sha256"], str)):
        raise ValueError(f"the digest of the asset {name!r} is none")
    return AssetRecord(_natural(fields["bytes"]), fields["sha256"])


# ---------------------------------------------------------------------- checked access


def _fields(read: Any, *names: str) -> dict[str, Any]:
    if type(read) is not dict or read.keys() != set(names):
        raise ValueError(f"an object with {', '.join(names)} is {read!r:.80}")
    return read


def _typed(read: Any, kind: type) -> Any:
    if type(read) is not kind:
        raise ValueError(f"{read!r:.80} is no {kind.__name__}")
    return read


def _natural(read: Any) -> int:
    if type(read) is not int or read < 0:
        raise ValueError(f"{read!r:.80} is no natural number")
    return read


def _numbers(read: Any, count: int, *, may_be_none: bool = False) -> tuple[int, ...]:
    found = tuple(_natural(number) for number in _typed(read, list))
    if (not found and not may_be_none) or any(number >= count for number in found):
        raise ValueError(f"{read!r:.80} are not numbers below {count}")
    return found


def _path(read: Any) -> Path:
    parts = _typed(read, list)
    if any(type(part) not in (str, int) for part in parts):
        raise ValueError(f"{read!r:.80} is no object path")
    return tuple(parts)
