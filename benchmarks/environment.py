"""The environment of measuring processes: threads, compilers' caches, and an allocator that keeps what was freed."""

import os
from collections.abc import Mapping
from pathlib import Path

from benchmarks.threads import THREADS

_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "DOVETAIL_NUM_THREADS",
)
_CACHE_VARIABLES = ("XDG_CACHE_HOME", "TORCHINDUCTOR_CACHE_DIR", "JAX_COMPILATION_CACHE_DIR", "DOVETAIL_CACHE_DIR")
_SILENCE = {"TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONWARNINGS": "ignore", "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}
_UNSET = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # NumPy's products choose for themselves

ALLOCATOR_VARIABLE = "GLIBC_TUNABLES"
# glibc returns arrays above 32 MiB to the system at once, and the next step pays for every page again: PyTorch's
# layer normalization of 32 MiB took 23 ms so, and 6 ms without. Its own tuning guide advises other allocators.
_KEPT_BYTES = 1 << 40
_KEEPING = f"glibc.malloc.mmap_threshold={_KEPT_BYTES}:glibc.malloc.trim_threshold={_KEPT_BYTES}:glibc.malloc.hugetlb=1"


def keep_freed_memory() -> None:
    """Have every process that is started from now on keep freed memory, in huge pages; not if the user chose already.

    Only glibc heeds it.
    """
    os.environ.setdefault(ALLOCATOR_VARIABLE, _KEEPING)


def of_worker(cache: Path) -> dict[str, str]:
    """The environment of a measuring process whose compilers cache in `cache`."""
    variables = {name: value for name, value in os.environ.items() if name not in _UNSET} | _SILENCE
    variables.update(dict.fromkeys(_THREAD_VARIABLES, str(THREADS)))
    variables.update({name: str(cache / name.lower()) for name in _CACHE_VARIABLES})
    # Without these JAX keeps only what took a second to compile.
    variables["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    variables["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
    return variables


def choices(variables: Mapping[str, str]) -> dict[str, str]:
    """What in the environment changes how Dovetail or the allocator works, for the head of the report."""
    ours = {name: value for name, value in variables.items() if name.startswith("DOVETAIL_")}
    return ours | {"allocator": variables.get(ALLOCATOR_VARIABLE) or "as the system has it"}
