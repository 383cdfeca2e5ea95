"""What the tests of the runtime share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dovetail_kernels_llvm.runtime.driver import Driver

sys.path.insert(0, str(Path(__file__).parent))
from small_launches import Small  # found by the line above


@pytest.fixture
def small() -> Small:
    return Small()


@pytest.fixture(params=["native call", "plain call"])
def each_call(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Tests with it run twice: with the native call path, and with the one that knows nothing of arrays' layout."""
    if request.param == "plain call":
        monkeypatch.setattr(Driver, "has_quick_call", property(lambda _driver: False))
    return str(request.param)
