"""Reading of the JSON form of a graph: every field is checked for its type, and nothing unknown is passed over."""

from __future__ import annotations

from base64 import b64decode

from .arrays import bytes_provider
from .dtypes import dtype
from .errors import DovetailError, GraphError
from .graph import Constant, Graph, Node, State, Value
from .graph_templates import GraphTemplate
from .metas import Device, TensorMeta, device
from .registry import find_operation
from .size_formulas import COMPARISONS, OPERATORS, UNARY, Formula

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FORMAT, SCHEMA = "dovetail.graph", (1, 1)
DEEPEST = 32
"""How deep graphs may be nested in attributes, and tuples in tuples."""
DEEPEST_FORMULA = 200


def without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise GraphError("a name stands twice in one object of the JSON form", got=", ".join(name for name, _ in pairs))
    return read


def refuse_constant(text: str) -> Any:
    raise GraphError("the JSON form of a graph writes floats as strings", expected='{"float": "inf"}', got=text)


def check_header(document: Any) -> None:
    if type(document) is not dict or document.get("format") != FORMAT:
        raise GraphError("this is not the JSON form of a graph", expected=f'an object with "format": "{FORMAT}"')
    schema = document.get("schema")
    major, minor = (_integer(number) for number in _list(schema))
    if major != SCHEMA[0] or minor > SCHEMA[1]:
        raise GraphError(
            "the graph was written under another schema",
            expected=f"{SCHEMA[0]}.0 to {SCHEMA[0]}.{SCHEMA[1]}",
            got=f"{major}.{minor}",
            fix="pip install -U dovetail-protocols" if (major, minor) > SCHEMA else "write it anew with to_json",
        )
    _object(document, "format", "schema", "graph", optional=("sizes",))


def read_template(document: Any) -> GraphTemplate:
    check_header(document)
    check_operations(document["graph"])
    graph = read_graph(document["graph"], "graph", 0)
    if "sizes" not in document:
        return GraphTemplate(graph)
    fields = _object(document["sizes"], "hints", "guards")
    hints = tuple(_integer(hint, least=0) for hint in _list(fields["hints"]))
    return GraphTemplate(graph, hints, tuple(_read_guard(guard) for guard in _list(fields["guards"])))


def _read_guard(read: Any) -> tuple[Any, int]:
    expression, answer = _list(read)
    if type(answer) not in (int, bool):
        raise GraphError("a guard's answer is no number", got=f"{answer!r:.80}")
    return _read_expression(expression, COMPARISONS), answer


def _read_expression(read: Any, also: frozenset[str] = frozenset(), depth: int = 0) -> Any:
    """An expression of arithmetic; at its head may stand one of the operators in `also`."""
    if type(read) is int:
        return read
    kind, *operands = _list(read)
    if kind == "size" and len(operands) == 1:
        return ("size", _integer(operands[0], least=0))
    is_known = type(kind) is str and kind in OPERATORS and (kind not in COMPARISONS or kind in also)
    if not is_known or len(operands) != (1 if kind in UNARY else 2) or depth > DEEPEST_FORMULA:
        raise GraphError("a size has no known formula", got=f"{read!r:.80}")
    return (kind, *(_read_expression(operand, depth=depth + 1) for operand in operands))


def check_operations(graph: Any) -> None:
    """Raises GraphError with the names of all operations that are not known here, in nested graphs too."""
    unknown: dict[str, None] = {}
    pending = [(graph, 0)]
    while pending:
        read, depth = pending.pop()
        if type(read) is dict:
            if "operation" in read and "attributes" in read:
                name, version = _string(read["operation"]), _integer(read["version"])
                if not _is_known(name, version):
                    unknown[f"{name} version {version}"] = None
            pending.extend((item, depth + 1) for item in read.values())
        elif type(read) is list:
            pending.extend((item, depth + 1) for item in read)
    if unknown:
        raise GraphError(
            "the graph uses operations that are not known here",
            got=", ".join(sorted(unknown)),
            fix="install the packages that bring them, or newer versions",
        )


def _is_known(name: str, version: int) -> bool:
    try:
        find_operation(name, version)
    except DovetailError:
        return False
    return True


def read_graph(read: Any, where: str, depth: int) -> Graph:
    if depth > DEEPEST:
        raise GraphError("graphs are nested too deep", where=where, expected=f"at most {DEEPEST} levels")
    fields = _object(read, "name", "inputs", "constants", "nodes", "outputs", "states")
    name = _string(fields["name"])
    values: dict[int, Value] = {}

    def define(one: Any) -> Value:
        value = _read_value(one)
        values.setdefault(value.number, value)  # twice is for validate to refuse
        return value

    def use(number: Any) -> Value:
        if _integer(number) not in values:
            raise GraphError(f"%{number} is used but not defined", where=f"{where} {name!r}")
        return values[number]

    inputs = tuple(define(one) for one in _list(fields["inputs"]))
    constants = tuple(_read_constant(one, define) for one in _list(fields["constants"]))
    nodes = tuple(_read_node(one, define, use, depth) for one in _list(fields["nodes"]))
    outputs = tuple(use(number) for number in _list(fields["outputs"]))
    states = tuple(_read_state(one) for one in _list(fields["states"]))
    return Graph(name, inputs, nodes, outputs, constants, states)


def _read_value(read: Any) -> Value:
    fields = _object(read, "number", "dtype", "shape", "device", optional=("name",))
    shape: Any = tuple(_read_size(size) for size in _list(fields["shape"]))
    meta = TensorMeta(shape, dtype(_string(fields["dtype"])), _device(fields["device"]))
    return Value(_integer(fields["number"]), meta, _string(fields.get("name", "")))


def _read_size(read: Any) -> int | Formula:
    if type(read) is dict:
        return Formula(_read_expression(_object(read, "size")["size"]))
    return _integer(read, least=0)


def _read_constant(read: Any, define: Any) -> Constant:
    fields = _object(read, "value", "data")
    value = define(fields["value"])
    data = b64decode(_string(fields["data"]), validate=True)
    if len(data) != value.meta.size_bytes:
        raise GraphError(
            f"constant {value} has another size than its data", expected=f"{value.meta.size_bytes} bytes", got=len(data)
        )
    return Constant(value, bytes_provider().from_bytes(data, value.meta))


def _read_node(read: Any, define: Any, use: Any, depth: int) -> Node:
    fields = _object(read, "operation", "version", "inputs", "attributes", "outputs", "source")
    attributes = fields["attributes"]
    if type(attributes) is not dict:
        raise GraphError("attributes are no object", got=type(attributes).__name__)
    return Node(
        find_operation(_string(fields["operation"]), _integer(fields["version"])),
        tuple(None if number is None else use(number) for number in _list(fields["inputs"])),
        tuple(define(one) for one in _list(fields["outputs"])),
        {name: _read_attribute(value, name, depth) for name, value in attributes.items()},
        _string(fields["source"]),
    )


def _read_state(read: Any) -> State:
    fields = _object(read, "name", "input", "output")
    output = fields["output"]
    return State(_string(fields["name"]), _integer(fields["input"]), None if output is None else _integer(output))


def _read_attribute(read: Any, where: str, depth: int) -> Any:
    if read is None or type(read) in (bool, int, str):
        return read
    if type(read) is list:
        if depth > DEEPEST:
            raise GraphError("an attribute is nested too deep", where=where, expected=f"at most {DEEPEST} levels")
        return tuple(_read_attribute(item, where, depth + 1) for item in read)
    if type(read) is dict and len(read) == 1:
        ((kind, content),) = read.items()
        if kind == "float":
            return float(_string(content))
        if kind == "complex":
            real, imaginary = (float(_string(part)) for part in _list(content))
            return complex(real, imaginary)
        if kind == "dtype":
            return dtype(_string(content))
        if kind == "device":
            return _device(content)
        if kind == "size":
            return Formula(_read_expression(content))
        if kind == "graph":
            return read_graph(content, where, depth + 1)
    raise GraphError("an attribute has no known form", where=where, got=f"{read!r:.80}")


# ---------------------------------------------------------------------- checked access


def _object(read: Any, *names: str, optional: tuple[str, ...] = ()) -> dict[str, Any]:
    if type(read) is not dict or not set(names) <= set(read) <= {*names, *optional}:
        fields = ", ".join(names)
        raise GraphError("the JSON form of a graph has other fields here", expected=fields, got=f"{read!r:.80}")
    return read


def _list(read: Any) -> list[Any]:
    if type(read) is not list:
        raise GraphError("the JSON form of a graph has a list here", got=f"{read!r:.80}")
    return read


def _string(read: Any) -> str:
    if type(read) is not str:
        raise GraphError("the JSON form of a graph has a string here", got=f"{read!r:.80}")
    return read


def _integer(read: Any, *, least: int | None = None) -> int:
    if type(read) is not int or (least is not None and read < least):
        wanted = "an integer" if least is None else f"an integer of at least {least}"
        raise GraphError(f"the JSON form of a graph has {wanted} here", got=f"{read!r:.80}")
    return read


def _device(read: Any) -> Device:
    found = device(_string(read))
    if str(found) != read or not found.kind or found.index < 0:
        raise GraphError("this is no device", expected='"cpu", "cuda:1", …', got=f"{read!r:.80}")
    return found
