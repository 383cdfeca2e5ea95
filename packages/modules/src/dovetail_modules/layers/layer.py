"""Layer: a module that is called on arrays, makes its variables at the first call, and can be cloned."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar, Self

from dovetail_protocols.arrays import is_variable, provider
from dovetail_protocols.dispatch import interpreting
from dovetail_protocols.dtypes import DType, float32
from dovetail_protocols.errors import DovetailError, UninitializedError

from .. import initializers
from ..module import Module

_training: ContextVar[bool] = ContextVar("dovetail_training", default=False)
_observer: ContextVar[Callable[[Any, Any], None] | None] = ContextVar("dovetail_layer_observer", default=None)


class Layer(Module):
    """Base of all layers. A subclass makes its variables in `build(input_shape)`, with `add_weight`, and computes in
    `call(inputs)`.

    `layer(inputs, training=True)` says that layers inside which differ in training (dropout, batch normalization) shall
    behave so. Errors raised inside name the path of the layer.
    """

    _UNTRACKED: ClassVar[frozenset[str]] = Module._UNTRACKED | {"_arguments", "_is_built"}

    _arguments: tuple[tuple[Any, ...], dict[str, Any]]
    _is_built: bool

    def __new__(cls, *arguments: Any, **keywords: Any) -> Self:
        layer = super().__new__(cls)
        layer._arguments = (arguments, keywords)
        layer._is_built = False
        return layer

    # ------------------------------------------------------------------ building and calling

    def build(self, input_shape: tuple[int, ...]) -> None:
        """Makes the variables for inputs of that shape. Called once, before the first call."""

    def call(self, *inputs: Any, **options: Any) -> Any:
        """The layer's result for its inputs."""
        raise UninitializedError(f"{type(self).__name__} has no forward pass", fix="define call(self, inputs)")

    @property
    def is_built(self) -> bool:
        """Whether the variables are made."""
        return self._is_built

    def __call__(self, *inputs: Any, training: bool | None = None, **options: Any) -> Any:
        """The result of `call`. Inputs that are no arrays yet are converted; `training` holds for layers inside too."""
        self.name  # noqa: B018 - says what is wrong if __init__ was not called
        token = None if training is None else _training.set(training)
        try:
            arrays = [provider().convert(value) if _is_data(value) else value for value in inputs]
            self.ensure_built(*(value.shape for value in arrays if provider().is_array(value)))
            result = self.call(*arrays, **options)
            observer = _observer.get()
            if observer is not None:
                observer(self, result)
            return result
        except DovetailError as error:
            error.module_path = self.name + (f"/{error.module_path}" if error.module_path else "")
            raise
        finally:
            if token is not None:
                _training.reset(token)

    def ensure_built(self, *input_shapes: tuple[int, ...]) -> None:
        """Builds the layer for these shapes, unless it is built."""
        if not self._is_built:
            with self.name_scope:
                self.build(*input_shapes)
            self._is_built = True

    @property
    def is_training(self) -> bool:
        """Whether the innermost call that said so was one for training."""
        return _training.get()

    def add_weight(
        self,
        shape: tuple[int, ...],
        initializer: str | Callable[..., Any],
        *,
        name: str,
        trainable: bool = True,
        dtype: DType = float32,
    ) -> Any:
        """A new variable with a value from an initializer (or its name). Keep it as an attribute, to be found."""
        with interpreting(None):
            value = initializers.get(initializer)(shape, dtype)
        return provider().variable(value, name=name, trainable=trainable)

    @staticmethod
    @contextmanager
    def observing(observer: Callable[[Layer, Any], None]) -> Iterator[None]:
        """Calls `observer(layer, result)` after each layer's call in the body of a `with`."""
        token = _observer.set(observer)
        try:
            yield
        finally:
            _observer.reset(token)

    # ------------------------------------------------------------------ cloning

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments by name: `type(layer).from_config(layer.get_config())` is a clone, unbuilt."""
        arguments, keywords = self._arguments
        bound = inspect.signature(type(self).__init__).bind(self, *arguments, **keywords)
        config = dict(list(bound.arguments.items())[1:])
        for parameter in bound.signature.parameters.values():
            if parameter.kind is parameter.VAR_KEYWORD:
                config |= config.pop(parameter.name, {})
        return config | {"name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A new layer made with the arguments that `get_config` gave."""
        return cls(**config)

    def __repr__(self) -> str:
        arguments, keywords = self._arguments
        shown = [*map(repr, arguments), *(f"{name}={value!r}" for name, value in keywords.items())]
        return f"{type(self).__name__}({', '.join(shown)})"


@contextmanager
def training_phase(training: bool) -> Iterator[None]:
    """Says for the body of a `with` whether layers are called for training."""
    token = _training.set(training)
    try:
        yield
    finally:
        _training.reset(token)


def _is_data(value: Any) -> bool:
    """Whether a layer's input is to be an array: arrays of any library, variables, numbers and lists of them."""
    if isinstance(value, bool | int | float | list | tuple):
        return not isinstance(value, tuple | list) or _holds_numbers(value)
    return is_variable(value) or hasattr(value, "__array__") or hasattr(value, "__dlpack__")


def _holds_numbers(value: Any) -> bool:
    while isinstance(value, list | tuple) and value:
        value = value[0]
    return isinstance(value, bool | int | float)
