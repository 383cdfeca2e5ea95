"""A graph as JSON, to keep it in a file or hand it to another program.

The form is {"format": "dovetail.graph", "schema": [major, minor], "graph": …}; docs/protocols/graph.md describes it.
What is read becomes a graph of known operations and plain data, validated, or an error: reading executes nothing.
A GraphTemplate has the same form with `sizes` beside the graph, and formulas in place of numbers.
"""

from __future__ import annotations

import json
from base64 import b64encode

from .arrays import bytes_provider
from .dtypes import DType
from .errors import GraphError, PluginError
from .graph import Graph
from .graph_json_reader import FORMAT, read_template, refuse_constant, without_twins
from .graph_templates import GraphTemplate, validate_template
from .graph_validation import validate
from .metas import Device
from .size_formulas import Formula

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .graph import Node, Value


def to_json(graph: Graph | GraphTemplate, *, indent: int | None = None) -> str:
    """The graph as JSON text; the same graph always gives the same text. Constants are stored whole.

    Raises: GraphError for a graph that isn't well formed, or holds what has no JSON form: a size that is not known yet,
    in a Graph.
    """
    return json.dumps(to_document(graph), indent=indent, allow_nan=False)


def to_document(graph: Graph | GraphTemplate) -> dict[str, Any]:
    """What `to_json` writes, to be put into a document of the caller's."""
    if isinstance(graph, GraphTemplate):
        template = graph
        validate_template(template)
    else:
        template = GraphTemplate(graph)
        validate(graph)
    document: dict[str, Any] = {"format": FORMAT, "schema": [1, 1 if template.hints else 0]}
    if template.hints:
        guards = [[_write_expression(expression), answer] for expression, answer in template.guards]
        document["sizes"] = {"hints": list(template.hints), "guards": guards}
    return document | {"graph": _write_graph(template.graph)}


def from_json(text: str | bytes) -> Graph:
    """The graph of a JSON text, validated. Its constants are arrays of the tensor package in use.

    Raises: GraphError for text that is no graph, of another schema, with unknown operations (all are named), with a
    graph that isn't well formed, or with unknown sizes (`template_from_json` reads it).
    """
    template = template_from_json(text)
    if template.hints:
        raise GraphError(
            "the graph has sizes that are not known yet",
            got=f"{len(template.hints)} unknown sizes",
            fix="read it with template_from_json",
        )
    return template.graph


def template_from_json(text: str | bytes) -> GraphTemplate:
    """The graph of a JSON text as a template, validated: also one with unknown sizes.

    Raises: GraphError as `from_json`.
    """
    try:
        document = json.loads(text, object_pairs_hook=without_twins, parse_constant=refuse_constant)
    except RecursionError as error:
        raise GraphError("the JSON form of a graph is nested too deep") from error
    except ValueError as error:
        raise GraphError("this is no JSON", cause=str(error), fix="write it with to_json") from error
    return from_document(document)


def from_document(document: Any) -> GraphTemplate:
    """What `template_from_json` gives for a document that was parsed already.

    Raises: GraphError as `from_json`.
    """
    try:
        template = read_template(document)
    except (GraphError, PluginError):
        raise
    except RecursionError as error:
        raise GraphError("the JSON form of a graph is nested too deep") from error
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise GraphError(
            "this is not the JSON form of a graph",
            cause=f"{type(error).__name__}: {error}",
            fix="write it with to_json",
        ) from error
    validate_template(template)
    return template


# ---------------------------------------------------------------------- writing


def _write_graph(graph: Graph) -> dict[str, Any]:
    return {
        "name": graph.name,
        "inputs": [_write_value(value) for value in graph.inputs],
        "constants": [
            {
                "value": _write_value(constant.value),
                "data": b64encode(bytes_provider().to_bytes(constant.array)).decode(),
            }
            for constant in graph.constants
        ],
        "nodes": [_write_node(node) for node in graph.nodes],
        "outputs": [value.number for value in graph.outputs],
        "states": [{"name": state.name, "input": state.input, "output": state.output} for state in graph.states],
    }


def _write_value(value: Value) -> dict[str, Any]:
    shape = [_write_number(size) for size in value.meta.shape]
    written = {"number": value.number, "dtype": value.meta.dtype.name, "shape": shape, "device": str(value.meta.device)}
    return written | {"name": value.name} if value.name else written


def _write_node(node: Node) -> dict[str, Any]:
    return {
        "operation": node.operation.name,
        "version": node.operation.version,
        "inputs": [None if value is None else value.number for value in node.inputs],
        "attributes": {name: _write_attribute(value) for name, value in node.attributes.items()},
        "outputs": [_write_value(value) for value in node.outputs],
        "source": node.source,
    }


def _write_attribute(value: Any) -> Any:
    """None, bool, int and str as they are, a tuple as a list, anything else as {kind: content}."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int | Formula):
        return _write_number(value)
    if isinstance(value, float):
        return {"float": repr(float(value))}
    if isinstance(value, complex):
        return {"complex": [repr(value.real), repr(value.imag)]}
    if isinstance(value, tuple):
        return [_write_attribute(item) for item in value]
    if isinstance(value, DType):
        return {"dtype": value.name}
    if isinstance(value, Device):
        return {"device": str(value)}
    assert isinstance(value, Graph), "validate accepts nothing else"
    return {"graph": _write_graph(value)}


def _write_number(value: Any) -> Any:
    if type(value) is Formula:
        return {"size": _write_expression(value.expression)}
    if type(value) is not int:
        raise GraphError(
            "a graph with sizes that are not known yet has no JSON form",
            got=f"{value!r}",
            fix="give the function a signature of known sizes, take the graph of one call (fn.graph(*args)), or write "
            "the GraphTemplate",
        )
    return value


def _write_expression(expression: Any) -> Any:
    return [*map(_write_expression, expression)] if type(expression) is tuple else expression
