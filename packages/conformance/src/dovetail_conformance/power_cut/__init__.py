"""What a disk may hold after a power cut: every state that a recorded series of storage calls allows.

Whoever records what a save asks of its storage learns here in which states a power cut may leave it, and whether each
still holds what a save that had returned promised. The model is that of ALICE: of what was not synced, any part may
have reached the disk, in any order, whole, not at all, as zeros or as garbage.

Source: Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014.
"""

from .disk import JOURNALED, POSIX, Fate, Rules
from .events import (
    CreateFile,
    Event,
    Exchange,
    Link,
    MakeFolder,
    RemoveFile,
    RemoveFolder,
    Rename,
    SaveBegan,
    SaveReturned,
    SyncAll,
    SyncFile,
    SyncFolder,
    Truncate,
    Write,
)
from .states import State, states
from .verdicts import Verdict, verdict

__all__ = [
    "JOURNALED",
    "POSIX",
    "CreateFile",
    "Event",
    "Exchange",
    "Fate",
    "Link",
    "MakeFolder",
    "RemoveFile",
    "RemoveFolder",
    "Rename",
    "Rules",
    "SaveBegan",
    "SaveReturned",
    "State",
    "SyncAll",
    "SyncFile",
    "SyncFolder",
    "Truncate",
    "Verdict",
    "Write",
    "states",
    "verdict",
]
