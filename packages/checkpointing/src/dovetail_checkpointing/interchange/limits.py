"""How much a foreign file may ask for, checked before anything is allocated."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ForeignLimits:
    """Bounds on what a foreign file declares, and on the process that reads it. A refusal names the one to raise.

    `header_bytes`: a header, index, pickle or table of contents. `arrays`: how many there are. `name_bytes`, `rank`,
    `depth`: of each name, shape and nested container. `total_bytes`: all arrays together. More than `expansion_bytes`
    is refused where it is over `expansion_ratio` times what is stored. `memory_bytes` and `seconds` (of CPU time) bound
    the reading process.
    """

    header_bytes: int = 16 << 20
    arrays: int = 1 << 20
    name_bytes: int = 1024
    rank: int = 64
    depth: int = 32
    total_bytes: int = 1 << 40
    expansion_bytes: int = 4 << 30
    expansion_ratio: int = 1000
    memory_bytes: int = 16 << 30
    seconds: int = 3600
