"""Servers for the load to be sent to."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

import pytest

from tiny_server import Server, listen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    listeners: list[socket.socket] = []

    def start(
        behave: Callable[[Server, socket.socket, int], None], listener: socket.socket | None = None
    ) -> Server:
        listeners.append(listener or listen(socket.AF_INET, ("127.0.0.1", 0)))
        server = Server(lambda connection, number: behave(server, connection, number), listeners[-1])
        return server

    yield start
    for listener in listeners:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
