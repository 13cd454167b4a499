"""Ports that nobody has yet, for what is started here: proxies, tasks, and what measures them."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_given: set[int] = set()


@contextlib.contextmanager
def reserved_port(host: str = "127.0.0.1") -> Iterator[tuple[int, socket.socket]]:
    """Hold a port, bound and not listening, until *close()* at the moment of use.

    While it is held no other process gets the number from the kernel. Between the close and the server's
    bind a race remains, so prefer a server that binds port 0 and reports its address in its log. The kernel
    hands out ports in a random order, so what was just closed is unlikely to be given again at once.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((host, 0))
        yield holder.getsockname()[1], holder


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port that was free a moment ago (reserved_port tells what that is worth), none twice."""
    while True:
        with reserved_port(host) as (port, _):
            # The kernel's order is random: one that was just given may come again.
            if port not in _given:
                _given.add(port)
                return port
