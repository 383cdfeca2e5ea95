"""Where checkpoints lie: a small protocol, this machine's folders, and memory."""

from .file_system import FileSystem, Lock, ReadableFile, ReadableFolder, WritableFile
from .local import LocalFileSystem
from .memory import MemoryFileSystem
from .object_store import ObjectStore
from .place import Place, locate

__all__ = [
    "FileSystem",
    "LocalFileSystem",
    "Lock",
    "MemoryFileSystem",
    "ObjectStore",
    "Place",
    "ReadableFile",
    "ReadableFolder",
    "WritableFile",
    "locate",
]
