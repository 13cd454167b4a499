"""What the kernel knows of our connections: who is still owed an answer.

The scoreboard sees a request only when the server has parsed its head. A head or an upload half sent,
and a response that a slow client still reads, are seen by sock_diag (NETLINK_INET_DIAG, sock_diag(7)),
which needs no privilege. Struct layouts are those of linux/inet_diag.h, linux/unix_diag.h and linux/tcp.h.
"""

from __future__ import annotations

import os
import socket
import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY, _NLMSG_ERROR, _NLMSG_DONE = 20, 2, 3
_REQUEST_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_INET_DIAG_INFO, _INET_DIAG_SOCKOPT, _MULTICAST_LOOP = 2, 22, 0x10  # the last one: a bit of its first byte
_ESTABLISHED, _SYN_RECV, _FIN_WAIT1, _CLOSE_WAIT, _LAST_ACK, _LISTEN, _CLOSING = 1, 3, 4, 8, 9, 10, 11
_OPEN = (_ESTABLISHED, _CLOSE_WAIT)
_OURS_TO_SEND = (_FIN_WAIT1, _LAST_ACK, _CLOSING)
_STATES = sum(1 << state for state in (*_OPEN, *_OURS_TO_SEND, _SYN_RECV, _LISTEN))
SILENCE = 5.0
"""Seconds that a connection which never said anything is waited for."""


class Owed(NamedTuple):
    """Connections that stand in the way of stopping, by reason."""

    queued: int = 0  # in an accept queue
    half_open: int = 0  # the handshake's last ACK is missing
    asking: int = 0  # sent something that is not answered, or that the server has not read
    reading: int = 0  # has not taken all of its response
    silent: int = 0  # connected, never said anything
    leaving: int = 0  # closed by the server, with data in the send queue still

    def __str__(self) -> str:
        counts = zip(self._fields, self, strict=True)
        return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts if count)


def _dump(request: bytes) -> Iterator[bytes]:
    header = struct.pack("=IHHII", 16 + len(request), _SOCK_DIAG_BY_FAMILY, _REQUEST_DUMP, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as netlink:
        netlink.settimeout(2.0)
        netlink.send(header + request)
        while True:
            data = netlink.recv(1 << 18)
            while len(data) >= 16:
                length, kind = struct.unpack_from("=IH", data)
                if kind == _NLMSG_DONE:
                    return
                if kind == _NLMSG_ERROR:
                    raise OSError(-struct.unpack_from("=i", data, 16)[0], "sock_diag")
                yield data[16:length]
                data = data[(length + 3) & ~3 :]


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        if length < 4:
            return
        yield kind, data[4:length]
        data = data[(length + 3) & ~3 :]


def mark(listener: socket.socket, other: socket.socket | None) -> None:
    """Let connections of *listener* be told from those of *other*, an older one of its address.

    Connections inherit this flag, which means nothing to TCP, and sock_diag shows it (Linux ≥ 5.10).
    """
    flag = other is None or not other.getsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP)
    listener.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, flag)


def look_tcp(listener: socket.socket, ignored: tuple[str, ...] = ()) -> Owed:
    """Count what is owed to *listener*'s connections, whichever process holds them, but for *ignored*."""
    name = listener.getsockname()
    own = b"" if name[0] in {"0.0.0.0", "::"} else socket.inet_pton(listener.family, name[0])  # noqa: S104 - compared, not bound
    flag = listener.getsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP)
    counts = dict.fromkeys(Owed._fields, 0)
    # A dual-stack listener's IPv4 connections are sockets of the IPv6 family: one dump sees both.
    request = struct.pack("=BBBxI", listener.family, socket.IPPROTO_TCP, 1 << (_INET_DIAG_INFO - 1), _STATES)
    request += struct.pack("!HH", name[1], 0) + bytes(32) + struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)
    for message in _dump(request):
        state = message[1]
        if struct.unpack_from("!H", message, 4)[0] != name[1] or message[8 : 8 + len(own)] != own:
            continue
        attributes = dict(_attributes(message[72:]))
        flags = attributes.get(_INET_DIAG_SOCKOPT)
        if flags and bool(flags[0] & _MULTICAST_LOOP) != flag:
            continue  # another generation's
        rqueue, wqueue, _uid, inode = struct.unpack_from("=IIII", message, 56)
        reason = _reason(state, rqueue, wqueue, inode, attributes.get(_INET_DIAG_INFO, b""))
        if reason and reason not in ignored:
            counts[reason] += 1
    counts["queued"] = accept_queue(listener)
    return Owed(**counts)


def _reason(state: int, rqueue: int, wqueue: int, inode: int, info: bytes) -> str | None:
    if state == _SYN_RECV:
        return "half_open"
    if state in _OURS_TO_SEND:
        return "leaving" if wqueue > 1 else None  # one is the FIN itself
    if state not in _OPEN or inode == 0:
        return None  # a listener, or in a queue: the sink's own connection is one of these
    if wqueue or rqueue:
        return "reading" if wqueue else "asking"
    return _by_times(info)


def _by_times(info: bytes) -> str | None:
    if len(info) < 160:
        return None
    last_sent, _last_ack_sent, last_received = struct.unpack_from("=III", info, 44)
    segments_in, segments_out = struct.unpack_from("=II", info, 152)  # with data; since Linux 4.6
    if not segments_out:
        return "asking" if segments_in else "silent"
    return "asking" if last_received < last_sent else None


def look_unix(listener: socket.socket, _ignored: tuple[str, ...] = ()) -> Owed:
    """Count what is owed on a Unix socket.

    The kernel keeps no times for these: a connection whose head is half sent cannot be told from an idle
    one, and is not waited for.
    """
    name = os.fsencode(listener.getsockname())
    counts = dict.fromkeys(Owed._fields, 0)
    show_name_and_queues = 0x11
    request = struct.pack("=BBHIIIII", socket.AF_UNIX, 0, 0, 0xFFFFFFFF, 0, show_name_and_queues, 0, 0)
    for message in _dump(request):
        attributes = dict(_attributes(message[16:]))
        if attributes.get(0, b"").rstrip(b"\0") != name or 4 not in attributes:
            continue
        rqueue, wqueue = struct.unpack("=II", attributes[4])
        if message[2] == _LISTEN:
            counts["queued"] += rqueue
        elif wqueue:
            counts["reading"] += 1
        elif rqueue:
            counts["asking"] += 1
    return Owed(**counts)


def look(listeners: list[socket.socket], ignored: tuple[str, ...] = ()) -> Owed:
    """Count what is owed on all of *listeners*; OSError where the kernel does not tell."""
    found = [
        (look_unix if listener.family == socket.AF_UNIX else look_tcp)(listener, ignored)
        for listener in listeners
    ]
    return Owed(*(sum(column) for column in zip(*found, strict=True))) if found else Owed()


def accept_queue(listener: socket.socket) -> int:
    """How many connections wait to be accepted; 0 where the kernel does not tell."""
    try:
        if listener.family == socket.AF_UNIX:
            return look_unix(listener).queued
        # tcpi_unacked of a listener is its accept queue's length
        info = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 28)
        return int(struct.unpack_from("=I", info, 24)[0])
    except OSError:
        return 0
