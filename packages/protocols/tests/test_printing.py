"""What print accepts, and the text it makes of a format."""

from __future__ import annotations

import pytest

from dovetail_protocols import dtypes as dt
from dovetail_protocols import operations as ops
from dovetail_protocols.errors import AttributeValueError
from dovetail_protocols.metas import TensorMeta
from dovetail_protocols.operations.printing import filled

METAS = (TensorMeta((2,), dt.float32), TensorMeta((), dt.int32))


def test_print_gives_no_results_and_has_an_effect() -> None:
    assert ops.print.infer(METAS, {**ops.print._defaults, "format": "{} and {}"}) == ()
    assert ops.print.has_effect
    assert not ops.add.has_effect


def test_print_refuses_a_format_that_does_not_fit_and_an_unknown_stream() -> None:
    with pytest.raises(AttributeValueError, match="for each of 2 arrays"):
        ops.print.infer(METAS, {**ops.print._defaults, "format": "only {}"})
    with pytest.raises(AttributeValueError, match="stdout or stderr"):
        ops.print.infer(METAS, {**ops.print._defaults, "stream": "file"})


def test_texts_fill_the_places_of_a_format_and_nothing_else() -> None:
    assert filled("a {} b {}.", ["1", "{}"]) == "a 1 b {}."
    assert filled(None, ["1", "2"]) == "1 2"
    assert filled("{0.__class__}{}", ["x"]) == "{0.__class__}x"
