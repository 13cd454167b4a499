"""Stops every thread of a process as a debugger does: ptrace(2), from a process of its own.

Run as ``python tests/tracer.py PID``; it says "stopped" on stdout, and holds on until the process has died.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from pathlib import Path

SEIZE, INTERRUPT = 0x4206, 0x4207
WALL = 0x40000000  # __WALL: threads too


def stop(pid: int) -> None:
    """Trace and stop all threads of *pid*; PermissionError where the kernel does not let us."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]

    def ask(request: int, thread: int) -> None:
        if libc.ptrace(request, thread, None, None) < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    held: set[int] = set()
    # Threads come and go until all are held.
    while rest := {int(entry.name) for entry in Path(f"/proc/{pid}/task").iterdir()} - held:
        for thread in sorted(rest):
            with contextlib.suppress(ProcessLookupError):
                ask(SEIZE, thread)
                ask(INTERRUPT, thread)
                os.waitpid(thread, WALL)
                held.add(thread)


if __name__ == "__main__":
    stop(int(sys.argv[1]))
    print("stopped", flush=True)
    # As debuggers do: the traced one's parent hears of its death only after its tracer.
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, WALL)
