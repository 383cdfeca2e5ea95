"""The files in golden/: weights as PyTorch 2.13.0 and Keras 3.15.1 write them, and what their models give.

The models are those of comparisons/pytorch_models.py and keras_models.py, on the inputs of twins.py; the files were
written by comparisons/compare_golden.py, which says how to write them anew.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

GOLDEN = Path(__file__).parent / "golden"


def arrays(path: Path) -> dict[str, tuple[str, tuple[int, ...], bytes]]:
    """What two .npz files have in common only if their arrays are the same to the bit."""
    with np.load(path, allow_pickle=False) as found:
        return {name: (array.dtype.name, array.shape, array.tobytes()) for name, array in found.items()}
