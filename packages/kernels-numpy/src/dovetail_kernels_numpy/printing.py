"""Printing of values."""

from __future__ import annotations

import sys
from typing import Any

from dovetail_protocols import operations as ops
from dovetail_protocols.kernels import CallMeta
from dovetail_protocols.operations.printing import filled

from .declaration import kernel


@kernel(ops.print, binding="per_dtype")
def print(call: CallMeta) -> Any:
    text, end, stream = (call.attributes[name] for name in ("format", "end", "stream"))

    def write(*arrays: Any) -> tuple[()]:
        # Looked up at each call: tests and notebooks put others in place.
        output = sys.stdout if stream == "stdout" else sys.stderr
        output.write(filled(text, [str(array) for array in arrays]) + end)
        output.flush()
        return ()

    return write
