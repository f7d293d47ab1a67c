"""A view of a file that never reads more than the file holds, whatever length a damaged or hostile header claims."""

from __future__ import annotations

import io
from typing import BinaryIO


class BoundedFile(io.RawIOBase):
    """Reads of a claimed length are cut to what is left, before any memory is asked for."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._size = stream.seek(0, io.SEEK_END)
        stream.seek(0)

    def readable(self) -> bool:
        """Return true."""
        return True

    def seekable(self) -> bool:
        """Return true."""
        return True

    def tell(self) -> int:
        """Return the position in bytes."""
        return self._stream.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move, not beyond the end."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self.tell(), io.SEEK_END: self._size}[whence]
        return self._stream.seek(min(max(0, base + offset), self._size))

    def read(self, count: int | None = -1) -> bytes:
        """Return up to `count` bytes."""
        left = self._size - self.tell()
        return self._stream.read(left if count is None or count < 0 else min(count, left))

    def readline(self, count: int | None = -1) -> bytes:
        """Return the rest of the line."""
        return self._stream.readline(-1 if count is None else count)
