"""The tracer of `function`: a Tracer that also minds the variables which the traced function makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dovetail_protocols.arrays import provider
from dovetail_protocols.dispatch import apply, interpreting
from dovetail_protocols.errors import TraceError
from dovetail_protocols.graph import Node, Value
from dovetail_protocols.tracing import Tracer, user_line

if TYPE_CHECKING:
    from dovetail_protocols.roles import Array, Interpreter, VariableLike


class FunctionTracer(Tracer):
    """Traces one call of a function.

    `refusal`: why no variable may be made in this trace, or None where it may; `created` has those that were.
    """

    def __init__(self, name: str, parent: Interpreter | None, refusal: str | None) -> None:
        super().__init__(name, parent)
        self.refusal = refusal
        self.created: list[VariableLike] = []
        self._before: dict[int, Array] = {}

    def variable_created(self, variable: VariableLike) -> None:
        """Takes note of a new variable.

        Raises: TraceError where this trace may not make any.
        """
        if self.refusal is not None:
            raise TraceError(
                f"{self.name!r} makes a Variable, {variable.name!r}, {self.refusal}",
                where=user_line(),
                expected="variables made outside of the function, or on its first call only",
                fix="make it in __init__, or on the first call only: `if self.w is None: self.w = Variable(...)`",
            )
        self.created.append(variable)

    # ------------------------------------------------------------------ initial values that were traced

    def lift(self, value: Value) -> Array:
        """A traced value computed eagerly, for a variable's initial value.

        Variables that the computation read and changes (the state of a random generator) get their new values at once,
        as they would eagerly: a trace that makes variables is thrown away.

        Raises: TraceError where the value depends on the function's arguments.
        """
        needed = self._nodes_for([value])
        environment = self._outside(needed, value)
        self._run(needed, environment)
        for key, variable in self.assigned.items():
            new = self.value_of(self.current[key])
            if any(self.initial[key][1] in node.inputs for node in needed) and self._is_computable(new):
                self._run([node for node in self._nodes_for([new]) if node not in needed], environment)
                buffer: Any = environment[new.number].payload
                variable.replace(buffer)
        return environment[value.number]

    def _nodes_for(self, values: list[Value]) -> list[Node]:
        """The nodes that values depend on, in order."""
        wanted = {value.number for value in values}
        needed: list[Node] = []
        for node in reversed(self.nodes):
            if any(output.number in wanted for output in node.outputs):
                needed.append(node)
                wanted.update(value.number for value in node.inputs if value is not None)
        return needed[::-1]

    def _is_computable(self, value: Value) -> bool:
        arguments = {argument.number for argument in self.arguments}
        used = {v.number for node in self._nodes_for([value]) for v in node.inputs if v is not None} | {value.number}
        return not arguments & used

    def _outside(self, nodes: list[Node], value: Value) -> dict[int, Array]:
        """Captured arrays, and variables as they were when they were first lifted."""
        if not self._is_computable(value):
            raise TraceError(
                f"the initial value of a Variable depends on arguments of {self.name!r}",
                where=user_line(),
                expected="an initial value that is the same whatever the function is called with",
                fix="use only shapes and dtypes of arguments for it, and assign() afterwards",
            )
        environment: dict[int, Array] = {}
        for array, captured in self.captures.values():
            payload: Any = array.payload
            environment[captured.number] = payload.lift() if hasattr(payload, "lift") else array
        for key, (variable, initial) in self.initial.items():
            if key not in self._before:
                self._before[key] = provider().wrap(variable.payload, variable.meta)
            environment[initial.number] = self._before[key]
        return environment

    @staticmethod
    def _run(nodes: list[Node], environment: dict[int, Array]) -> None:
        with interpreting(None):
            for node in nodes:
                operands = tuple(None if value is None else environment[value.number] for value in node.inputs)
                result = apply(node.operation, operands, node.attributes)
                results = result if isinstance(result, tuple) else (result,)
                environment.update(zip((output.number for output in node.outputs), results, strict=True))
