"""CRC-32, the checksum of every chunk, by the quickest code there is for it."""

try:
    from zlib_ng.zlib_ng import crc32
except ImportError:  # on machines without a wheel of it, see pyproject.toml: the same numbers, several times slower
    from zlib import crc32

__all__ = ["crc32"]
