"""Save and restore: nothing lost, nothing wrong, nothing executed."""

from .checkpoint import Checkpoint
from .late_restoring import RestoreStatus, bind
from .limits import Limits
from .manager import Manager
    "every",
    "last",
    "latest_checkpoint",
    "list_variables",
    "migration",
    "open",
