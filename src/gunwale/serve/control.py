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

LINE_LIMIT = 4096


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


class Conversation:
    """One client: a line of JSON from it, any number of lines to it."""

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(0)
        self.sock = sock
        self._heard = b""

    def hear(self) -> dict[str, Any] | None:
        """Take what came; the request once it is whole, {} for what is none, None for not yet."""
        try:
            data = self.sock.recv(LINE_LIMIT)
        except BlockingIOError:
            return None
        except OSError:
            data = b""
        self._heard += data
        if b"\n" not in self._heard and data and len(self._heard) < LINE_LIMIT:
            return None
        try:
            request = json.loads(self._heard.partition(b"\n")[0])
        except ValueError:
            return {}
        return request if isinstance(request, dict) else {}

    def tell(self, line: dict[str, Any]) -> None:
        """Send a line; a client that has gone, or reads nothing, misses it."""
        with contextlib.suppress(OSError):
            self.sock.send(json.dumps(line).encode() + b"\n")


def notify(state: str) -> None:
    """Tell systemd, if it listens (sd_notify(3))."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock, contextlib.suppress(OSError):
            sock.sendto(state.encode(), address.replace("@", "\0", 1) if address[0] == "@" else address)
