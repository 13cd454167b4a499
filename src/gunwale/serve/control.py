"""The local control socket: `gunwale reload` and `gunwale status` ask here, and it is the address's lock.

An abstract Unix socket (unix(7)): it needs no writable folder, dies with its process, and cannot be taken
over while it lives. Both sides look at the other's user (SO_PEERCRED): the same, or root.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
from typing import Any


def name(address: str) -> str:
    """Where the supervisor of the first bind *address* is found."""
    return f"\0gunwale:{address}"


def take(address: str) -> socket.socket:
    """Take the lock of *address* and listen; OSError (EADDRINUSE) when another supervisor has it."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.bind(name(address))
    sock.listen(8)
    sock.settimeout(0)
    return sock


def is_friend(sock: socket.socket) -> bool:
    """Whether the other side runs as our own user, or as root."""
    _pid, uid, _gid = struct.unpack("=iII", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return uid in {os.geteuid(), 0}


def request(heard: bytes) -> dict[str, Any]:
    """Read what a client wants, a line of JSON; {} for what is none."""
    try:
        found = json.loads(heard)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def notify(state: str) -> None:
    """Tell systemd, if it listens (sd_notify(3))."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock, contextlib.suppress(OSError):
            sock.sendto(state.encode(), address.replace("@", "\0", 1) if address[0] == "@" else address)
