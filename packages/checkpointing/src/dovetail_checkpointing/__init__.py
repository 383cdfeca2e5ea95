"""Save and restore: nothing lost, nothing wrong, nothing executed."""

from .reading import latest_checkpoint, list_variables
from .restoring import Report, Restored, restore
from .saving import Receipt, save

__all__ = ["Receipt", "Report", "Restored", "latest_checkpoint", "list_variables", "restore", "save"]
