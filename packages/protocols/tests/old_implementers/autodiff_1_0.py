"""A differentiator for protocol 1.0, with a tape of its own. FROZEN: never edit this file (see README.md beside it)."""

from dovetail_protocols import operations as ops
from dovetail_protocols import provider
from dovetail_protocols.derivatives import GRADIENTS, NOT_DIFFERENTIABLE
from dovetail_protocols.dispatch import apply_under, current, interpreting

RULES = {
    "dovetail::add": lambda cotangent, result, x1, x2: (cotangent, cotangent),
    "dovetail::multiply": lambda cotangent, result, x1, x2: (ops.multiply(cotangent, x2), ops.multiply(x1, cotangent)),
    "dovetail::negative": lambda cotangent, result, x: ops.negative(cotangent),
    "dovetail::sum": lambda cotangent, result, x, **_: ops.broadcast_to(cotangent, shape=x.shape),
}


def rule_of(operation):
    return RULES.get(operation.name) or GRADIENTS.get(operation)


class Tape:
    def __init__(self):
        self.outer, self.entries = current(), []

    def apply(self, operation, operands, attributes):
        if operation in NOT_DIFFERENTIABLE:
            return apply_under(self.outer, operation, operands, attributes)
        if rule_of(operation) is None:
            assert not operation.is_primitive, operation.name
            return operation.decompose(*operands, **attributes)
        result = apply_under(self.outer, operation, operands, attributes)
        self.entries.append((operation, operands, attributes, result))
        return result

    def gradients(self, value, arrays):
        cotangents = {id(value): provider().convert(1.0, value.dtype)}
        for operation, operands, attributes, result in reversed(self.entries):
            if id(result) not in cotangents:
                continue
            found = rule_of(operation)(cotangents[id(result)], result, *operands, **attributes)
            for operand, part in zip(operands, found if isinstance(found, tuple) else (found,), strict=True):
                part = part() if callable(part) else part
                if part is not None:
                    known = cotangents.get(id(operand))
                    cotangents[id(operand)] = part if known is None else ops.add(known, part)
        return tuple(cotangents[id(array)] for array in arrays)


class Differentiator:
    def value_and_gradients(self, function, arrays):
        tape = Tape()
        with interpreting(tape):
            value = function(*arrays)
        return value, tape.gradients(value, arrays)


PROVIDER = Differentiator()
