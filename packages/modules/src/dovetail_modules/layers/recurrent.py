"""Recurrent layers: one cell stepped along the sequence, by a loop that traces to one node."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.control_flow import scan

from .. import activations, initializers
from .layer import Layer
from .options import positive, rank_checked


class _Recurrent(Layer, ABC):
    """A layer whose states pass from step to step. x: (batch, steps, features).

    The result is the last step's output (batch, units), or all of them with `return_sequences` (batch, steps, units);
    with `return_state` a tuple of it and the final states.
    """

    gates: int
    states: int

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.units, self.use_bias = positive(type(self).__name__, "units", units), use_bias
        self.activation = activations.get(activation)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.return_sequences, self.return_state, self.go_backwards = return_sequences, return_state, go_backwards
        self._initializers = (kernel_initializer, recurrent_initializer, bias_initializer)

    def build(self, input_shape: tuple[int, ...], *_states: tuple[int, ...]) -> None:
        rank_checked(type(self).__name__, input_shape, ("batch", "steps", "features"))
        kernel, recurrent, bias = self._initializers
        width = self.gates * self.units
        self.kernel = self.add_weight((int(input_shape[-1]), width), kernel, name="kernel")
        self.recurrent_kernel = self.add_weight((self.units, width), recurrent, name="recurrent_kernel")
        if self.use_bias:
            self.bias = self.add_weight(self.bias_shape(), self.bias_initializer(bias), name="bias")

    def bias_initializer(self, given: Any) -> Any:
        """The initializer of the bias, made from the one given."""
        return given

    def bias_shape(self) -> tuple[int, ...]:
        return (self.gates * self.units,)

    def call(self, x: Any, *initial_states: Any) -> Any:
        rank_checked(type(self).__name__, x.shape, ("batch", "steps", "features"))
        shape = (x.shape[0], self.units)
        states = initial_states or tuple(
            ops.full(shape=shape, fill_value=0, dtype=x.dtype, device=x.device) for _ in range(self.states)
        )
        # The inputs' part of all gates and steps in one product; the loop is left with the recurrent part.
        projected = ops.permute_dims(self.project(x), axes=(1, 0, 2))
        weights = self.recurrent_weights()

        def body(carry: tuple[Any, ...], step: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
            carry = self.step(step[0], carry, *weights)
            return carry, (carry[0],)

        final, outputs = scan(body, tuple(states), (projected,), reverse=self.go_backwards)
        if self.return_sequences:
            y = ops.permute_dims(outputs[0], axes=(1, 0, 2))
            y = ops.flip(y, axis=1) if self.go_backwards else y
        else:
            y = final[0]
        return (y, *final) if self.return_state else y

    def project(self, x: Any) -> Any:
        """(batch, steps, gates · units): the part of the gates that depends on the inputs only."""
        y = x @ ops.read_variable(self.kernel)
        return y + self.bias if self.use_bias else y

    def recurrent_weights(self) -> tuple[Any, ...]:
        """Arrays that `step` needs, read once before the loop."""
        return (ops.read_variable(self.recurrent_kernel),)

    @abstractmethod
    def step(self, projected: Any, states: tuple[Any, ...], *weights: Any) -> tuple[Any, ...]:
        """New states, the output first, from the inputs' part (batch, gates · units) and the states (batch, units)."""


class LSTM(_Recurrent):
    """Long short-term memory. Gates in the order input, forget, cell, output; states (h, c).

    kernel: (features, 4 · units), recurrent_kernel: (units, 4 · units), bias: (4 · units,), 1 for the forget gate at
    first if `unit_forget_bias`.

    Source: S. Hochreiter, J. Schmidhuber, 1997; F. Gers et al., Learning to forget, 2000; Keras for the order of gates.
    """

    weight_layout = "lstm"
    gates, states = 4, 2

    def __init__(self, units: int, *arguments: Any, unit_forget_bias: bool = True, **keywords: Any) -> None:
        super().__init__(units, *arguments, **keywords)
        self.unit_forget_bias = unit_forget_bias

    def bias_initializer(self, given: Any) -> Any:
        if not self.unit_forget_bias:
            return given
        initialize = initializers.get(given)

        def with_forget_bias(shape: tuple[int, ...], dtype: Any) -> Any:
            part = (self.units,)
            ones = ops.full(shape=part, fill_value=1, dtype=dtype)
            return ops.concat(initialize(part, dtype), ones, initialize((2 * self.units,), dtype))

        return with_forget_bias

    def step(self, projected: Any, states: tuple[Any, ...], *weights: Any) -> tuple[Any, ...]:
        hidden, cell = states
        input_gate, forget_gate, candidate, output_gate = ops.split(
            projected + hidden @ weights[0], sections=4, axis=-1
        )
        gate = self.recurrent_activation
        cell = gate(forget_gate) * cell + gate(input_gate) * self.activation(candidate)
        return gate(output_gate) * self.activation(cell), cell


class GRU(_Recurrent):
    """Gated recurrent unit, with the reset gate after the recurrent product (`reset_after`, as Keras). Gates in the
    order update, reset, candidate; state (h,).

    kernel: (features, 3 · units), recurrent_kernel: (units, 3 · units), bias: (2, 3 · units): inputs' and recurrent.

    Source: K. Cho et al., 2014, in the form of version 1 (arXiv 1406.1078v1).
    """

    weight_layout = "gru"
    gates, states = 3, 1

    def bias_shape(self) -> tuple[int, ...]:
        return (2, 3 * self.units)

    def project(self, x: Any) -> Any:
        y = x @ ops.read_variable(self.kernel)
        return y + ops.read_variable(self.bias)[0] if self.use_bias else y

    def recurrent_weights(self) -> tuple[Any, ...]:
        kernel = ops.read_variable(self.recurrent_kernel)
        return (kernel, ops.read_variable(self.bias)[1]) if self.use_bias else (kernel,)

    def step(self, projected: Any, states: tuple[Any, ...], *weights: Any) -> tuple[Any, ...]:
        (hidden,) = states
        recurrent = hidden @ weights[0]
        if self.use_bias:
            recurrent = recurrent + weights[1]
        update, reset, candidate = ops.split(projected, sections=3, axis=-1)
        update_part, reset_part, candidate_part = ops.split(recurrent, sections=3, axis=-1)
        gate = self.recurrent_activation
        update = gate(update + update_part)
        candidate = self.activation(candidate + gate(reset + reset_part) * candidate_part)
        return (update * hidden + (1.0 - update) * candidate,)
