"""Printing of values: eagerly at once, in traced functions whenever they run."""

from __future__ import annotations

from ..errors import AttributeValueError
from ..operation import primitive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .annotations import EachDType

STREAMS = ("stdout", "stderr")


@primitive(version=1, has_effect=True)
def print(*arrays: EachDType, format: str | None = None, end: str = "\n", stream: str = "stdout") -> tuple[()]:
    """Writes the values of arrays as text, each time the operation runs; gives no results.

    arrays: any shapes; long ones are shortened in the middle. `format` is text with one "{}" for each array
    ("loss {}"); None stands for the arrays with spaces between. `end` follows. `stream` is "stdout" or "stderr", of the
    process that runs the operation. Inside vmap the whole batch is written at once.

    Raises: AttributeValueError where the format hasn't one "{}" for each array, or for another stream.
    Source: TensorFlow, tf.print.
    """
    places = format.count("{}") if format is not None else len(arrays)
    if places != len(arrays):
        raise AttributeValueError(
            "print: the format doesn't fit the arrays",
            where="print, format",
            expected=f'one "{{}}" for each of {len(arrays)} arrays',
            got=repr(format),
        )
    if stream not in STREAMS:
        raise AttributeValueError("print: unknown stream", expected=" or ".join(STREAMS), got=repr(stream))
    return ()


def filled(format: str | None, texts: list[str]) -> str:
    """The texts in the places of a format; for kernels."""
    if format is None:
        return " ".join(texts)
    first, *rest = format.split("{}")
    return first + "".join(text + part for text, part in zip(texts, rest, strict=True))
