"""Two processors and two threads for everyone, and compilers' caches where the harness wants them."""

import os
from collections.abc import Mapping
from pathlib import Path

THREADS = 2

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_CACHE_VARIABLES = ("XDG_CACHE_HOME", "TORCHINDUCTOR_CACHE_DIR", "JAX_COMPILATION_CACHE_DIR")
_SILENCE = {"TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONWARNINGS": "ignore", "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}


def environment(cache: Path) -> dict[str, str]:
    """The environment of a measuring process whose compilers cache in `cache`."""
    variables = {**os.environ, **_SILENCE}
    variables.update(dict.fromkeys(_THREAD_VARIABLES, str(THREADS)))
    variables.update({name: str(cache / name.lower()) for name in _CACHE_VARIABLES})
    # Without these JAX keeps only what took a second to compile.
    variables["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    variables["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
    return variables


def pin() -> None:
    """Keep this process on two processors of separate cores, where the system allows: some pools ignore variables."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, choose(siblings(sorted(os.sched_getaffinity(0)))))


def siblings(processors: list[int], root: Path = Path("/sys/devices/system/cpu")) -> dict[int, str]:
    """Processor to a text that processors of the same core share; unknown ones count as cores of their own."""
    groups = {}
    for processor in processors:
        file = root / f"cpu{processor}" / "topology" / "thread_siblings_list"
        groups[processor] = file.read_text().strip() if file.exists() else str(processor)
    return groups


def choose(cores: Mapping[int, str]) -> list[int]:
    """Two processors, of different cores if there are two."""
    first_of_core = list({core: processor for processor, core in reversed(list(cores.items()))}.values())[::-1]
    others = [processor for processor in cores if processor not in first_of_core]
    return [*first_of_core, *others][:THREADS]
