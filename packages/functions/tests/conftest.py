"""What the tests of several modules use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dovetail_functions import Function, function

Counting = Callable[..., tuple[Function, list[Any]]]


@pytest.fixture
def counting() -> Counting:
    """Makes a function, and the list that gets an entry at each of its traces."""

    def make(body: Callable[..., Any], **options: Any) -> tuple[Function, list[Any]]:
        traces: list[Any] = []

        def traced(*args: Any, **kwargs: Any) -> Any:
            traces.append(1)
            return body(*args, **kwargs)

        return function(**options)(traced), traces

    return make
