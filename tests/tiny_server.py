"""A server of raw sockets and threads whose every manner a test decides."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from typing import TYPE_CHECKING

from gunwale.measure.load import Ask, Load, Profile, Result

if TYPE_CHECKING:
    from collections.abc import Callable

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\nX-Request-ID: r-1\r\n\r\nok"
KEPT = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """Accepts, and hands each connection with its number to *behave* in a thread."""

    def __init__(self, behave: Callable[[socket.socket, int], None], listener: socket.socket) -> None:
        self.behave = behave
        self.listener = listener
        self.accepted = 0
        self.requests: list[bytes] = []
        threading.Thread(target=self.run, daemon=True).start()

    @property
    def url(self) -> str:
        name = self.listener.getsockname()
        if isinstance(name, str):
            return f"unix:{name}"
        return f"http://[{name[0]}]:{name[1]}" if ":" in name[0] else f"http://{name[0]}:{name[1]}"

    def run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.accepted += 1
                threading.Thread(target=self.serve, args=(connection, self.accepted), daemon=True).start()

    def serve(self, connection: socket.socket, number: int) -> None:
        with connection, contextlib.suppress(OSError):
            self.behave(connection, number)

    def read(self, connection: socket.socket) -> bytes:
        """Read one request whole, b"" at the end of the stream."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                return b""
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        while len(body) < length:
            body += connection.recv(65536)
        self.requests.append(head)
        return head


def listen(family: socket.AddressFamily, address: str | tuple[str, int]) -> socket.socket:
    listener = socket.socket(family)
    listener.bind(address)
    listener.listen(1024)
    return listener


def answer(reply: bytes) -> Callable[[Server, socket.socket, int], None]:
    def behave(server: Server, connection: socket.socket, number: int) -> None:
        server.read(connection)
        connection.sendall(reply)

    return behave


def answer_and_reset(reply: bytes) -> Callable[[Server, socket.socket, int], None]:
    def behave(server: Server, connection: socket.socket, number: int) -> None:
        server.read(connection)
        connection.sendall(reply)
        # SO_LINGER with 0 seconds makes close() send RST.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return behave


def keep_alive(server: Server, connection: socket.socket, number: int) -> None:
    while server.read(connection):
        connection.sendall(KEPT)


def silent(server: Server, connection: socket.socket, number: int) -> None:
    while connection.recv(65536):
        pass


def burst_of(server_url: str, count: int = 3, **profile: float) -> Result:
    """Send *count* requests and wait for their ends."""
    with Load(Profile(target=server_url, mix=(Ask(),), **profile)) as load:  # type: ignore[arg-type]
        load.burst(count)
        return load.stop()
