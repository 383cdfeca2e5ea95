"""Save and restore: nothing lost, nothing wrong, nothing executed."""

from .checkpoint import Checkpoint
from .late_restoring import RestoreStatus, bind
from .manager import Manager
from .program import LoadedMethod, LoadedObject, LoadedProgram, LoadedSignature, export, load_program
from .reading import latest_checkpoint, list_variables
from .restoring import Report, Restored, restore
from .saving import Receipt, save

__all__ = [
    "Checkpoint",
    "LoadedMethod",
    "LoadedObject",
    "LoadedProgram",
    "LoadedSignature",
    "Manager",
    "Receipt",
    "Report",
    "RestoreStatus",
    "Restored",
    "bind",
    "export",
    "latest_checkpoint",
    "list_variables",
    "load_program",
    "restore",
    "save",
]
