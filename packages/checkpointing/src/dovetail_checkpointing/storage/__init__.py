"""Where checkpoints lie: a small protocol, and this machine's folders."""

from .file_system import FileSystem, Lock, ReadableFile, ReadableFolder, WritableFile
from .local import LocalFileSystem
from .place import Place, locate

__all__ = [
    "FileSystem",
    "LocalFileSystem",
    "Lock",
    "Place",
    "ReadableFile",
    "ReadableFolder",
    "WritableFile",
    "locate",
]
