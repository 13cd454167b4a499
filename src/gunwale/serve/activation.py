"""Sockets that systemd has made for us (sd_listen_fds(3)): which there are, and which address each one is.

They are used as they are, by every generation alike: see docs/decisions/0007-socket-activation.md.
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from gunwale.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FIRST = 3
"""The first descriptor that is passed (SD_LISTEN_FDS_START)."""


def held(environ: Mapping[str, str], addresses: Sequence[str]) -> tuple[dict[str, int], list[Problem]]:
    """Match what was passed to *addresses*: the descriptor of each that was, and what matches none."""
    found: dict[str, int] = {}
    problems: list[Problem] = []
    if environ.get("LISTEN_PID") != str(os.getpid()):  # another process's, which we have only inherited
        return found, problems
    count = environ.get("LISTEN_FDS", "0")
    names = environ.get("LISTEN_FDNAMES", "").split(":")
    for index in range(int(count) if count.isdecimal() else 0):
        fd = FIRST + index
        where = f"LISTEN_FDS {names[index] if index < len(names) else ''}".strip() + f" (descriptor {fd})"
        address = _address(fd)
        if address is None:
            message, hint = "is no listening stream socket", "let the .socket unit have ListenStream= only"
            problems.append(Problem(where=where, message=message, hint=hint))
        elif address not in addresses:
            message = f"listens on {address}, which is no address of serve.bind"
            hint = f"give --bind '{address}', or take it out of the .socket unit"
            problems.append(Problem(where=where, message=message, hint=hint))
        else:
            found[address] = fd
    return found, problems


def _address(fd: int) -> str | None:
    try:
        sock = socket.socket(fileno=fd)
    except OSError:
        return None
    try:
        if sock.type != socket.SOCK_STREAM or not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return None
        name = sock.getsockname()
    finally:
        sock.detach()
    if sock.family == socket.AF_UNIX:
        return f"unix:{name}"
    return f"[{name[0]}]:{name[1]}" if sock.family == socket.AF_INET6 else f"{name[0]}:{name[1]}"
