"""Save and restore: nothing lost, nothing wrong, nothing executed."""

from .checkpoint import Checkpoint
from .late_restoring import RestoreStatus, bind
from .manager import Manager
from .reading import latest_checkpoint, list_variables
from .restoring import Report, Restored, restore
from .saving import Receipt, save

__all__ = [
    "Checkpoint",
    "Manager",
    "Receipt",
    "Report",
    "RestoreStatus",
    "Restored",
    "bind",
    "latest_checkpoint",
    "list_variables",
    "restore",
    "save",
]
