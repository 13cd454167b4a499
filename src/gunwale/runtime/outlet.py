"""Where log lines go, and whether they would be taken.

A write to a pipe blocks while its reader stands still: one slow log collector would hold up every worker, and
the thread that watches their deadlines.
"""

from __future__ import annotations

import os
import stat
from select import POLLOUT, poll  # now: gevent puts its own into the module

PATIENCE = 1000
"""Milliseconds that a line waits for a reader that stands still."""


class Outlet:
    """A descriptor; once a line has waited for PATIENCE, none waits until the reader has gone on."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._patience = PATIENCE
        self._is_file: bool | None = None  # not looked at yet

    def takes(self) -> bool:
        """Say whether a write would not block; a closed or broken one does not, and fails."""
        if self._is_file is None:
            self._is_file = stat.S_ISREG(os.fstat(self.fd).st_mode)
        if self._is_file:  # it never waits for a reader, and asking takes a system call a line
            return True
        # A new one each time: threads cannot share one, and the number may become another file's.
        asked = poll()
        asked.register(self.fd, POLLOUT)
        is_ready = bool(asked.poll(self._patience))
        self._patience = PATIENCE if is_ready else 0
        return is_ready


STDERR = Outlet(2)
