"""What this kernel can do for serve; asked before the supervisor starts, which need not load it."""

from __future__ import annotations

import contextlib
import ctypes
import socket

from gunwale.serve.door import attach, steering


def can_steer() -> bool:
    """Whether this kernel takes a steering program (gVisor and others than Linux do not)."""
    try:
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            attach(sock, steering(0))
    except (OSError, AttributeError):
        return False
    return True


_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Let what the server leaves behind become children of this process, also where it is not PID 1.

    Kept through exec (PR_SET_CHILD_SUBREAPER, prctl(2)). A worker that Gunicorn's master kills on its way out
    is a zombie of the machine's init otherwise, and serve waits for its process group for as long as init
    takes: two seconds were seen, past what drain_timeout leaves of stop_timeout.
    """
    with contextlib.suppress(OSError, AttributeError):  # not Linux: init has to do
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
