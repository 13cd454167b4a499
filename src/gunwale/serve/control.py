"""The local control socket: the lock that keeps two supervisors from one address.

An abstract Unix socket (unix(7)): it needs no writable folder, dies with its process, and cannot be
taken over while it lives.
"""

from __future__ import annotations

import socket

from gunwale.serve.door import DoorError


def name(address: str) -> str:
    """Where the supervisor of the first bind *address* is found."""
    return f"\0gunwale:{address}"


def take(address: str) -> socket.socket:
    """Take the lock for *address*; DoorError when another supervisor has it."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(name(address))
    except OSError as error:
        sock.close()
        hint = "another gunwale serves it: stop that one, or give --bind another address"
        raise DoorError(address, "is already in use", hint, in_use=True) from error
    return sock
