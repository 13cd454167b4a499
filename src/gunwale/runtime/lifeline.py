"""No process outlives the supervisor: each holds the read end of a pipe that nobody writes to."""

from __future__ import annotations

import os
import signal

# Bound now: gevent replaces the modules' own names, and then the thread would wait for its loop.
from _thread import start_new_thread
from time import sleep

GRACE = 3.0
"""Seconds that a process has to end by itself once the supervisor is gone."""


def _wait(fd: int) -> None:
    try:
        while os.read(fd, 1):
            pass
    except OSError:
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    sleep(GRACE)
    os._exit(1)


def hold(lifeline: int) -> None:
    """Watch the pipe in a native thread of this process; once after each fork."""
    start_new_thread(_wait, (lifeline,))
