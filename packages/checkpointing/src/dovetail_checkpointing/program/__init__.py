"""A program beside its weights: traced graphs that run where their class does not exist."""

from .exporting import export
from .functions import LoadedMethod, LoadedSignature
from .loaded import LoadedObject, LoadedProgram
from .loading import load_program

__all__ = ["LoadedMethod", "LoadedObject", "LoadedProgram", "LoadedSignature", "export", "load_program"]
