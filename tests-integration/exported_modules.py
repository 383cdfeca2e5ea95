"""A module around any function, for tests of exports."""

from __future__ import annotations

from typing import Any

import dovetail as dt

VECTOR = dt.TensorSpec([None])


class Holder(dt.Module):
    """A module whose `run` is what a test is about."""

    def __init__(self, function: Any, **attributes: Any) -> None:
        super().__init__()
        self.run = function
        for name, value in attributes.items():
            setattr(self, name, value)
