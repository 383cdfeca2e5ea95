"""Where checkpoints lie: a small protocol, and this machine's folders."""

from .file_system import FileSystem, Lock, ReadableFile, ReadableFolder, WritableFile
from .local import LocalFileSystem
from .object_store import ObjectStore
from .place import Place, locate

__all__ = [
    "FileSystem",
    "LocalFileSystem",
    "Lock",
    "ObjectStore",
    "Place",
    "ReadableFile",
    "ReadableFolder",
    "WritableFile",
    "locate",
]
