"""A module, an optimizer and a communicator for the roles of 1.0. FROZEN: never edit this file (see README.md)."""

from dovetail_protocols import operations as ops
from dovetail_protocols import provider


class Scale:
    """factor · x, which makes its variable at the first call."""

    def __init__(self):
        self.factor, self.calls, self.observer = None, 0, None

    def __call__(self, x):
        if self.factor is None:
            self.factor = provider().variable([1.0, 2.0], name="factor")
            if self.observer is not None:
                self.observer("factor")
        self.calls += 1
        return ops.multiply(ops.read_variable(self.factor), x)

    @property
    def variables(self):
        return [] if self.factor is None else [self.factor]

    @property
    def trainable_variables(self):
        return [variable for variable in self.variables if variable.trainable]

    def checkpoint_state(self):
        return {"calls": self.calls} | ({} if self.factor is None else {"factor": self.factor})

    def load_checkpoint_state(self, scalars):
        self.calls = scalars["calls"]

    def observe_state(self, observer):
        self.observer = observer


class Descent:
    """Gradient descent with a step of one half, and the sum of the gradients as its state."""

    def __init__(self):
        self.sums, self.steps = {}, 0

    @property
    def variables(self):
        return list(self.sums.values())

    def build(self, variables):
        for variable in variables:
            zeros = ops.add(ops.read_variable(variable), ops.negative(ops.read_variable(variable)))
            self.sums[variable.name] = provider().variable(zeros, name=f"{variable.name}_sum", trainable=False)

    def apply_gradients(self, gradients_and_variables):
        pairs = [(gradient, variable) for gradient, variable in gradients_and_variables if gradient is not None]
        if not self.sums:
            self.build([variable for _, variable in pairs])
        for gradient, variable in pairs:
            total = self.sums[variable.name]
            ops.assign_variable(total, ops.add(ops.read_variable(total), gradient))
            half = ops.multiply(gradient, provider().convert(-0.5, gradient.dtype))
            ops.assign_variable(variable, ops.add(ops.read_variable(variable), half))
        self.steps += 1

    def checkpoint_state(self):
        return {"steps": self.steps, **self.sums}

    def load_checkpoint_state(self, scalars):
        self.steps = scalars["steps"]


class Alone:
    """A group of one."""

    rank, world_size = 0, 1

    def barrier(self):
        return None

    def gather(self, value):
        return [value]

    def broadcast(self, value):
        return value


COMMUNICATOR = Alone()
