"""A differentiator for protocol 1.1: forward mode and batches too. FROZEN: never edit this file (see README.md)."""

from dovetail_protocols import operations as ops
from dovetail_protocols import provider
from dovetail_protocols.dispatch import apply_under, current, interpreting

TANGENTS = {
    "dovetail::add": lambda x1, x2, t1, t2: ops.add(t1, t2),
    "dovetail::multiply": lambda x1, x2, t1, t2: ops.add(ops.multiply(t1, x2), ops.multiply(x1, t2)),
    "dovetail::negative": lambda x, t: ops.negative(t),
}


class Forward:
    def __init__(self, arrays, tangents):
        self.outer = current()
        self.kept = list(arrays)
        self.tangents = {id(array): tangent for array, tangent in zip(arrays, tangents, strict=True)}

    def apply(self, operation, operands, attributes):
        rule = TANGENTS.get(operation.name)
        if rule is None:
            return operation.decompose(*operands, **attributes)
        result = apply_under(self.outer, operation, operands, attributes)
        with interpreting(self.outer):
            self.tangents[id(result)] = rule(*operands, *(self.tangents[id(operand)] for operand in operands))
        self.kept.append(result)
        return result


class Elementwise:
    def __init__(self):
        self.outer = current()

    def apply(self, operation, operands, attributes):
        assert operation.name in TANGENTS
        return apply_under(self.outer, operation, operands, attributes)


class Differentiator:
    protocol = (1, 1)

    def values_and_tangents(self, function, arrays, tangents):
        forward = Forward(arrays, tangents)
        with interpreting(forward):
            values = function(*arrays)
        return values, [forward.tangents[id(value)] for value in values]

    def value_and_gradients(self, function, arrays):
        value, gradients = None, []
        for place in range(len(arrays)):
            directions = [provider().convert(float(place == other)) for other in range(len(arrays))]
            (value,), (gradient,) = self.values_and_tangents(lambda *given: [function(*given)], arrays, directions)
            gradients.append(gradient)
        return value, gradients

    def batched(self, function, arrays, is_batched):
        assert all(is_batched)
        with interpreting(Elementwise()):
            return function(*arrays)


PROVIDER = Differentiator()
