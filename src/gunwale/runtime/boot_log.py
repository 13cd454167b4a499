"""What a server says on stderr while it boots, kept for whoever asked for the reload."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any, TextIO

from gunwale.runtime.outlet import STDERR

MOST = 65536


class Copied:
    """A text stream whose words also go to a memory file, up to MOST bytes.

    One that is full, whose reader has gone or stands still loses what is written; no request fails for that.
    """

    def __init__(self, stream: TextIO, fd: int) -> None:
        self._stream, self._fd = stream, fd

    def write(self, text: str) -> int:
        """Write to both; the copy never stands in the way."""
        with contextlib.suppress(OSError):
            if os.fstat(self._fd).st_size < MOST:
                os.write(self._fd, text.encode("utf-8", "replace"))
        with contextlib.suppress(OSError):
            if STDERR.takes():
                self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Write what is held back."""
        with contextlib.suppress(OSError):
            self._stream.flush()

    def writelines(self, lines: list[str]) -> None:
        """Write each."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def keep_words(fd: int) -> None:
    """Copy what this process and its children write to sys.stderr into *fd*."""
    sys.stderr = Copied(sys.stderr, fd)
