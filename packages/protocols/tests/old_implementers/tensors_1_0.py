"""A tensor package for protocol 1.0. FROZEN: never edit this file (see README.md beside it)."""

from dovetail_protocols import dtypes, selection
from dovetail_protocols.metas import CPU, TensorMeta


class Array:
    def __init__(self, payload, meta):
        self.payload, self.meta = payload, meta

    @property
    def shape(self):
        return self.meta.shape

    @property
    def dtype(self):
        return self.meta.dtype

    @property
    def device(self):
        return self.meta.device


class Cell:
    def __init__(self, array, name, trainable):
        self._array, self.name, self.trainable = array, name, trainable

    @property
    def meta(self):
        return self._array.meta

    @property
    def payload(self):
        return self._array.payload

    @property
    def shape(self):
        return self._array.shape

    @property
    def dtype(self):
        return self._array.dtype

    @property
    def device(self):
        return self._array.device

    def replace(self, payload):
        self._array = Array(payload, self._array.meta)


class Provider:
    def evaluate(self, operation, operands, attributes):
        if operation.name == "dovetail::read_variable":
            return Array(operands[0].payload, operands[0].meta)
        metas = tuple(None if operand is None else operand.meta for operand in operands)
        result = operation.infer(metas, attributes)
        if operation.name == "dovetail::assign_variable":
            operands[0].replace(operands[1].payload)
            return operands[1]
        chosen = selection.select(operation, metas, attributes)
        if chosen.kernel is None:
            if operation.is_primitive:
                raise selection.not_found(operation, metas, chosen)
            return operation.decompose(*operands, **attributes)
        return Array(chosen.kernel(*(operand.payload for operand in operands)), result)

    def convert(self, value, dtype=None, device=None):
        if isinstance(value, Array):
            return value
        if isinstance(value, Cell):
            return Array(value.payload, value.meta)
        if isinstance(value, list):
            return Array(tuple(value), TensorMeta((len(value),), dtype or dtypes.of_scalar(value[0]), device or CPU))
        return Array((value,), TensorMeta((), dtype or dtypes.of_scalar(value), device or CPU))

    def wrap(self, payload, meta):
        return Array(payload, meta)

    def variable(self, value, *, name=None, trainable=True):
        return Cell(self.convert(value), name or "variable", trainable)

    def is_array(self, value):
        return isinstance(value, Array)


PROVIDER = Provider()
