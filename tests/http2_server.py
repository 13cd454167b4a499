"""HTTP/2 on one connection, served by what answers HTTP/1.1: the frames are undone, and done again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived, WindowUpdated
from h2.exceptions import ProtocolError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable


def converse(connection: socket.socket, received: bytes, answer: Callable[[str], bytes]) -> None:
    """Serve *connection*, from which *received* was read already, until its end."""
    state = H2Connection(H2Configuration(client_side=False, header_encoding="latin-1"))
    state.initiate_connection()
    waiting: dict[int, bytes] = {}
    while received:
        try:
            events = state.receive_data(received)
        except ProtocolError:
            return
        for event in events:
            if isinstance(event, RequestReceived):
                head, _, body = answer(_head(event)).partition(b"\r\n\r\n")
                status, *lines = head.decode("latin-1").split("\r\n")
                pairs = [line.split(": ", 1) for line in lines]
                fields = [(name.lower(), value) for name, value in pairs]
                state.send_headers(event.stream_id, [(":status", status.split()[1]), *fields])
                waiting[event.stream_id] = body
            if isinstance(event, (RequestReceived, WindowUpdated)):
                _send(state, waiting)
        connection.sendall(state.data_to_send())
        received = connection.recv(65536)


def _head(event: RequestReceived) -> str:
    fields = [(str(name), str(value)) for name, value in event.headers]
    told = dict(fields)
    lines = [f"{name}: {value}" for name, value in fields if not name.startswith(":")]
    first = f"{told[':method']} {told[':path']} HTTP/2"
    return "\r\n".join([first, f"Host: {told[':authority']}", *lines])


def _send(state: H2Connection, waiting: dict[int, bytes]) -> None:
    """Send what the windows let through."""
    for stream, body in list(waiting.items()):
        rest = body
        while rest and (room := min(state.local_flow_control_window(stream), state.max_outbound_frame_size)):
            state.send_data(stream, rest[:room])
            rest = rest[room:]
        waiting[stream] = rest
        if not rest:
            state.end_stream(stream)
            del waiting[stream]
