"""The library that hatch_build.py compiled from the C sources. Calls into it release the GIL."""

import ctypes
import sys
from pathlib import Path

SUFFIX = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")

LIBRARY = ctypes.CDLL(str(Path(__file__).with_name(f"_native{SUFFIX}")))


def function(name, *argument_types):
    """A function of the library that returns nothing."""
    found = LIBRARY[name]
    found.argtypes = argument_types
    found.restype = None
    return found


def address(array):
    """Where the first element of a NumPy array lies."""
    return array.__array_interface__["data"][0]
