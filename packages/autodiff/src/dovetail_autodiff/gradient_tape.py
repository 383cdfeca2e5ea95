"""GradientTape: TensorFlow's interface to reverse mode."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.arrays import is_variable, provider
from dovetail_protocols.dispatch import current, interpreting
from dovetail_protocols.errors import AttributeValueError, ShapeError, SignatureError, TapeError

from .jacobians import pull_rows, refuse_complex
from .reverse import ascent, conform
from .seeds import ones_like, zeros_like
from .structure import flatten, flatten_like, leaf_paths, unflatten
from .tape import Tape, accumulate, pull_back
from .vectorize import vmap


class GradientTape:
    """Notes the operations in the body of a `with`, and gives gradients afterwards.

    Trainable variables are watched when they are read (unless `watch_accessed_variables` is false), arrays when `watch`
    names them. A tape gives gradients once, and forgets; a `persistent` one any number of times.

    Source: TensorFlow, tf.GradientTape.
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self._persistent = persistent
        self._tape = Tape(None, watches_variables=watch_accessed_variables)
        self._context: interpreting | None = None
        self._is_spent = False

    # ------------------------------------------------------------------ recording

    def __enter__(self) -> GradientTape:
        if self._context is not None:
            raise TapeError(
                "this tape is recording already",
                where="GradientTape.__enter__",
                fix="make another GradientTape for the inner `with`",
            )
        self._tape.parent = current()
        self._context = interpreting(self._tape)
        self._context.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        context, self._context = self._context, None
        if context is not None:
            context.__exit__(kind, error, trace)

    def watch(self, tensor: Any) -> None:
        """Watches arrays or variables, also in containers. Watching integers has no effect: they get no gradient.

        Raises: SignatureError for anything else.
        """
        for leaf in _arrays(tensor, "GradientTape.watch"):
            self._tape.watch(leaf)

    def watched_variables(self) -> tuple[Any, ...]:
        """The variables that are watched, in the order in which they came."""
        unique = {id(source): source for source in self._tape.sources if is_variable(source)}
        return tuple(unique.values())

    @contextmanager
    def stop_recording(self) -> Iterator[None]:
        """For the body of a `with`, notes nothing: to save memory, or to take gradients inside the tape's own body.

        Raises: TapeError where the tape isn't recording.
        """
        if self._context is None or not self._tape.is_recording:
            raise TapeError("stop_recording: this tape isn't recording", where="GradientTape.stop_recording")
        self._tape.is_recording = False
        try:
            yield
        finally:
            self._tape.is_recording = not self._is_spent

    def reset(self) -> None:
        """Forgets everything noted and watched so far."""
        self._tape.records.clear()
        self._tape.sources.clear()
        self._tape.watched.clear()
        self._is_spent = False
        self._tape.is_recording = True

    # ------------------------------------------------------------------ derivatives

    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: str = "none",
    ) -> Any:
        """The gradient of the sum of all elements of `target` for each source, in the structure of `sources`.

        `target`: arrays, also in containers. `sources`: arrays or variables that are watched, or results in between.
        `output_gradients`: weights for the elements of the target, in its structure, instead of ones. Where the target
        doesn't depend on a source, or one of them is an integer, the gradient is None, or zeros with
        `unconnected_gradients="zero"`. A complex gradient is ∂/∂Re + i·∂/∂Im, the direction of steepest ascent.

        Raises: TapeError for a second call on a tape that isn't persistent; GradientError for an operation without
        gradient on the way; SignatureError, StructureError, ShapeError for arguments that don't fit.
        """
        _check_unconnected(unconnected_gradients)
        targets = _arrays(target, "GradientTape.gradient, target")
        given = _arrays(sources, "GradientTape.gradient, sources")
        seeds: dict[int, Any] = {}
        with self._reading("gradient"):
            for one, weight in zip(targets, _weights(target, targets, output_gradients), strict=True):
                accumulate(seeds, one, ascent(weight))
            found = pull_back(self._tape, seeds, given)
            found = [None if gradient is None else ascent(gradient) for gradient in found]
            found = [_connected(*pair, unconnected_gradients) for pair in zip(found, given, strict=True)]
        return unflatten(flatten(sources)[1], found)

    def jacobian(self, target: Any, sources: Any, unconnected_gradients: str = "none") -> Any:
        """The derivative of every element of `target` by every element of each source: (*target, *source).

        One array as target; sources, None and `unconnected_gradients` as in `gradient`.

        Raises: DTypeError for complex arrays; and as `gradient`.
        """
        _check_unconnected(unconnected_gradients)
        [target] = _one(target, "GradientTape.jacobian, target")
        given = _arrays(sources, "GradientTape.jacobian, sources")
        refuse_complex([target, *given])
        with self._reading("jacobian"):
            found = self._rows(target, given, lambda pull: pull_rows(pull, target))
            if unconnected_gradients == "zero":
                found = [
                    _zeros((*target.meta.shape, *source.meta.shape), source) if rows is None else rows
                    for rows, source in zip(found, given, strict=True)
                ]
        return unflatten(flatten(sources)[1], found)

    def batch_jacobian(self, target: Any, source: Any, unconnected_gradients: str = "none") -> Any:
        """The Jacobian of each example by itself: target (batch, *target), source (batch, *source), result
        (batch, *target, *source). Examples must not depend on one another: their cross terms are left out.

        Raises: ShapeError where there is no batch axis or its sizes differ.
        """
        _check_unconnected(unconnected_gradients)
        [target] = _one(target, "GradientTape.batch_jacobian, target")
        [source] = _one(source, "GradientTape.batch_jacobian, source")
        refuse_complex([target, source])
        shape, inner = target.meta.shape, source.meta.shape
        if not shape or not inner or shape[0] != inner[0]:
            raise ShapeError(
                "batch_jacobian: target and source must have the same batch size as first axis",
                expected="target (batch, …) and source (batch, …)",
                got=f"target {shape}, source {inner}",
                fix="use jacobian for arrays without a batch axis",
            )
        with self._reading("batch_jacobian"):
            [rows] = self._rows(target, [source], lambda pull: vmap(pull, out_axes=1)(_example_basis(target)))
            if rows is None:
                return _zeros((*shape, *inner[1:]), source) if unconnected_gradients == "zero" else None
            return ops.reshape(rows, shape=(*shape, *inner[1:]))

    # ------------------------------------------------------------------ inside

    def _rows(self, target: Any, sources: list[Any], run: Any) -> list[Any]:
        """What `run` makes of the pullback from target to those sources that it depends on; None for the others."""
        probe: dict[int, Any] = {}
        accumulate(probe, target, ones_like(target))
        connected = [gradient is not None for gradient in pull_back(self._tape, probe, sources)]
        chosen = [source for source, yes in zip(sources, connected, strict=True) if yes]

        def pull(cotangent: Any) -> list[Any]:
            seeds: dict[int, Any] = {}
            accumulate(seeds, target, cotangent)
            return pull_back(self._tape, seeds, chosen)

        rows = iter(run(pull) if chosen else ())
        return [next(rows) if yes else None for yes in connected]

    @contextmanager
    def _reading(self, name: str) -> Iterator[None]:
        """Around every use of the notes: one that isn't persistent stops recording, and forgets afterwards."""
        if self._is_spent:
            raise TapeError(
                "this tape gave its gradients already, and isn't persistent",
                where=f"GradientTape.{name}",
                expected="one call of gradient, jacobian or batch_jacobian",
                fix="make it with GradientTape(persistent=True), or ask for all sources in one call",
            )
        if self._persistent:
            yield
            return
        self._is_spent, self._tape.is_recording = True, False
        try:
            yield
        finally:
            self._tape.records.clear()


def _arrays(tree: Any, where: str) -> list[Any]:
    """The leaves of a container, all arrays or variables.

    Raises: SignatureError otherwise.
    """
    leaves, _ = flatten(tree)
    is_array = provider().is_array
    for place, leaf in enumerate(leaves):
        if not is_array(leaf) and not is_variable(leaf):
            has_variables = hasattr(leaf, "trainable_variables")
            raise SignatureError(
                "a tape knows arrays and variables only",
                where=f"{where}{leaf_paths(tree)[place]}",
                expected="an array, a variable, or a container of these",
                got=f"{type(leaf).__name__}: {leaf!r}",
                fix="pass its .trainable_variables" if has_variables else "make it a tensor first, and watch it",
            )
    return leaves


def _one(tree: Any, where: str) -> list[Any]:
    leaves = _arrays(tree, where)
    if len(leaves) != 1 or leaves[0] is not tree:
        raise SignatureError("one array is expected here", where=where, got=f"{type(tree).__name__}")
    return leaves


def _weights(target: Any, targets: list[Any], given: Any) -> list[Any]:
    """Cotangents for the targets: ones, or those given."""
    if given is None:
        return [ones_like(one) for one in targets]
    where = "GradientTape.gradient, output_gradients"
    leaves = flatten_like(flatten(target)[1], given, what=where)
    return conform(leaves, targets, given, where + "{}")


def _connected(gradient: Any, source: Any, unconnected: str) -> Any:
    return zeros_like(source) if gradient is None and unconnected == "zero" else gradient


def _zeros(shape: tuple[int, ...], source: Any) -> Any:
    return ops.full(shape=shape, fill_value=0, dtype=source.meta.dtype, device=source.meta.device)


def _check_unconnected(chosen: str) -> None:
    if chosen not in ("none", "zero"):
        raise AttributeValueError(
            "unknown value of unconnected_gradients", expected='"none" or "zero"', got=repr(chosen)
        )


def _example_basis(target: Any) -> Any:
    """(elements of an example, batch, *example): for each element the array that is 1 there in every example."""
    meta = target.meta
    batch, *example = meta.shape
    size = 1
    for length in example:
        size = size * length
    unit = ops.reshape(ops.eye(n_rows=size, dtype=meta.dtype, device=meta.device), shape=(size, 1, size))
    return ops.reshape(ops.broadcast_to(unit, shape=(size, batch, size)), shape=(size, batch, *example))
