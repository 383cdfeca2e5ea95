"""Save and restore: nothing lost, nothing wrong, nothing executed."""

from .asynchronous import PendingSave, save_async
from .checkpoint import Checkpoint
from .communicators import ProcessCommunicator, ThreadCommunicator, run_threads
from .comparing import ABSENT, Comparison, TensorDifference, compare
from .item_state import ItemState
from .late_restoring import RestoreStatus, bind
from .limits import Limits
from .manager import Manager
from .program import LoadedMethod, LoadedObject, LoadedProgram, LoadedSignature, export, load_program
from .quarantining import quarantine
from .reading import Reader, TensorInfo, open
from .replacing import Report, Restored
from .restoring import restore
from .resumable_iterator import ResumableIterator
from .retention import best, every, last
from .saving import Receipt, save
from .shard import Shard, even_slices
from .sharded import save_sharded
from .steps import latest_checkpoint, list_variables
from .storage import FileSystem, LocalFileSystem, MemoryFileSystem
from .value_differences import ValueDifference
from .verifying import Damage, Verification, verify
from .versions import migration

__all__ = [
    "ABSENT",
    "Checkpoint",
    "Comparison",
    "Damage",
    "FileSystem",
    "ItemState",
    "Limits",
    "LoadedMethod",
    "LoadedObject",
    "LoadedProgram",
    "LoadedSignature",
    "LocalFileSystem",
    "Manager",
    "MemoryFileSystem",
    "PendingSave",
    "ProcessCommunicator",
    "Reader",
    "Receipt",
    "Report",
    "RestoreStatus",
    "Restored",
    "ResumableIterator",
    "Shard",
    "TensorDifference",
    "TensorInfo",
    "ThreadCommunicator",
    "ValueDifference",
    "Verification",
    "best",
    "bind",
    "compare",
    "even_slices",
    "every",
    "export",
    "last",
    "latest_checkpoint",
    "list_variables",
    "load_program",
    "migration",
    "open",
    "quarantine",
    "restore",
    "run_threads",
    "save",
    "save_async",
    "save_sharded",
    "verify",
]
