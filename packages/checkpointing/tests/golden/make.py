"""`python -m golden.make`, from the folder of the tests: writes this release's golden checkpoints, once."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from dovetail_checkpointing import save

from .trees import TREES

GOLDEN = Path(__file__).parent


def write(folder: Path) -> dict[str, str]:
    """Write a checkpoint of each tree into a folder; give their digests by name."""
    return {
        name: save(folder / name, make(), step=7, metrics={"loss": 0.25}, shard_bytes=1000).digest
        for name, make in TREES.items()
    }


def main() -> None:
    release = version("dovetail-checkpointing")
    if (GOLDEN / release).exists():
        raise SystemExit(f"{release} has its golden checkpoints, which stay as they are: PROVENANCE.md says why")
    for name, digest in write(GOLDEN / release).items():
        print(f"| {release} | {name} | `{digest}` |")


if __name__ == "__main__":
    main()
