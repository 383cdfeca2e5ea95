"""Whichever call of storage fails while a program is exported, the one before or the new one is whole, and nobody is
locked out."""

from __future__ import annotations

import errno
import importlib
import os
from pathlib import PurePath
from typing import Any

import pytest

from crash.inside.code_mutants import TESTS
from crash.inside.programs import PLACE, exported, loads_program
from dovetail_checkpointing import MemoryFileSystem, load_program
from dovetail_protocols.errors import CheckpointDurabilityError, CheckpointError, CheckpointSpaceError

Faults: Any = importlib.import_module(f"{TESTS.replace('/', '.')}.faulty_storage").Faults


def failure_of(number: int, storage: Any) -> CheckpointError | None:
    try:
        exported(number, storage)
    except CheckpointError as error:
        return error
    return None


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC], ids=errno.errorcode.get)
def test_a_failure_of_any_call_of_an_export_loses_nothing(number: int) -> None:
    counting = Faults()
    storage = MemoryFileSystem()
    exported(1, storage)
    exported(2, counting.storage(storage))
    kinds = set()
    for call in range(len(counting.calls)):
        storage, faults = MemoryFileSystem(), Faults(call, number)
        exported(1, storage)
        error = failure_of(2, faults.storage(storage))
        if error is None:
            assert loads_program(storage) == 2, faults.hit
        else:
            kinds.add(type(error))
            assert os.strerror(number) in str(error), faults.hit
            assert loads_program(storage) in (1, 2), faults.hit
        exported(3, storage)
        assert loads_program(storage) == 3
        assert list(storage.list_folder(PurePath("run"))) == ["program"]
    assert CheckpointDurabilityError in kinds
    assert (CheckpointSpaceError in kinds) is (number == errno.ENOSPC)


def test_a_failure_of_any_call_of_loading_a_program_is_told() -> None:
    storage = MemoryFileSystem()
    exported(1, storage)
    counting = Faults()
    load_program(PLACE, file_system=counting.storage(storage))
    assert len(counting.calls) > 10
    for call in range(len(counting.calls)):
        with pytest.raises(CheckpointError, match=os.strerror(errno.EIO)):
            load_program(PLACE, file_system=Faults(call).storage(storage))
