"""`python -m golden.make`, from the folder of the tests: writes the golden checkpoints. PROVENANCE.md says when."""

from __future__ import annotations

from pathlib import Path

from dovetail_checkpointing import save

from .trees import TREES

FOLDER = Path(__file__).parent / "version-2"


def main() -> None:
    for name, make in TREES.items():
        save(FOLDER / name, make(), step=7, metrics={"loss": 0.25}, shard_bytes=100 if name == "dtypes" else 1 << 20)


if __name__ == "__main__":
    main()
