"""The weights of a program: a checkpoint like any other, in a folder of the export."""

from __future__ import annotations

from ..commit import Staging
from ..layout import plan_files
from ..limits import DEFAULT, require_below
from ..manifest import NAME
from ..object_tree import Flattened
from ..saving import SaveOptions, manifest_of, parts_of, write_data
from .format import WEIGHTS


def write_weights(staging: Staging, flattened: Flattened) -> tuple[int, str]:
    """Writes a checkpoint of a tree into an export under way, durably. Its bytes, and its digest.

    Raises: StructureError for what can't be saved, and what storage raises.
    """
    options = SaveOptions(durability=staging.durability)
    parts = parts_of(flattened)
    inner = staging.inside(WEIGHTS)
    plans = plan_files(parts, options.shard_bytes, inner.suffix)
    files = write_data(inner, plans, options)
    data, digest = manifest_of(flattened, parts, plans, files, options).to_bytes()
    require_below("the manifest", len(data), DEFAULT.manifest_bytes, "manifest_bytes", inner.target)
    inner.write_durably(NAME, data)
    inner.sync_folder(inner.folder)
    return sum(file.size_bytes for file in files) + len(data), digest
