"""Random bits: every other random operation is written out in terms of them."""

from __future__ import annotations

from collections.abc import Sequence

from ...codegen.isa import ISA
from ...kernels.kernel import Launch, View
from ..ops import Op
from .macro import Allocate, Macro, given


def _random_bits(
    isa: ISA, op: Op, inputs: Sequence[View | None], outputs: Sequence[View], allocate: Allocate
) -> list[Launch]:
    from ...kernels.random import random_bits_launches

    return random_bits_launches(isa, given(inputs[0]), outputs[0], allocate)


RANDOM = {"random_bits": Macro(_random_bits)}
