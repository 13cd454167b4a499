"""What this kernel can do for serve; asked before the supervisor starts, which need not load it."""

from __future__ import annotations

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
