"""A client whose TCP is its own, so that it can finish a handshake when it likes; in a network of its own.

A TUN device hands us the packets that the kernel would send to the client (kernel's
Documentation/networking/tuntap.rst); segments are those of RFC 9293, in order and without loss.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Callable

SERVER, CLIENT = "10.217.0.1", "10.217.0.2"
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
_CLONE_NEWNET = 0x40000000
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 1, 0x1000
_SIOCSIFFLAGS, _SIOCSIFADDR, _SIOCSIFNETMASK, _IFF_UP = 0x8914, 0x8916, 0x891C, 1
_PORT = 40000
_WINDOW = 65535
_MAXIMUM_SEGMENT_SIZE = struct.pack("!BBH", 2, 4, 1460)


def in_own_network(act: Callable[[], None], seconds: float) -> None:
    """Run *act* in a thread with a network of its own, which the processes that it starts share."""
    with ThreadPoolExecutor(1, initializer=_leave_the_network) as pool:
        pool.submit(act).result(seconds)


def _leave_the_network() -> None:
    libc = ctypes.CDLL(None, use_errno=True)  # os.unshare is Python 3.12's
    if libc.unshare(_CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        _bring_up(control, "lo")


def _bring_up(control: socket.socket, name: str) -> None:
    fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sH22x", name.encode(), _IFF_UP))


class Segment(NamedTuple):
    flags: int
    sequence: int
    acknowledged: int
    data: bytes


class LateClient:
    """One connection to *port* of SERVER; made and used inside in_own_network()."""

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self._tun = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
        fcntl.ioctl(self._tun, _TUNSETIFF, struct.pack("16sH22x", b"late0", _IFF_TUN | _IFF_NO_PI))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            for request, address in ((_SIOCSIFADDR, SERVER), (_SIOCSIFNETMASK, "255.255.255.0")):
                packed = struct.pack("!HH4s8x", 0, 0, socket.inet_aton(address))
                packed = struct.pack("=H", socket.AF_INET) + packed[2:]
                fcntl.ioctl(control, request, struct.pack("16s16s8x", b"late0", packed))
            _bring_up(control, "late0")
        self._next, self._expected = 1000, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._tun)

    def knock(self) -> None:
        """Send SYN and wait for SYN-ACK; the handshake's last ACK stays out."""
        self._send(SYN, options=_MAXIMUM_SEGMENT_SIZE)
        self._next += 1
        answer = self._receive(10)
        assert answer.flags == SYN | ACK, answer
        assert answer.acknowledged == self._next
        self._expected = answer.sequence + 1

    def ask(self, request: bytes, timeout: float) -> bytes:
        """Send the last ACK, then *request*; return all that comes until the server's FIN."""
        deadline = time.monotonic() + timeout
        self._send(ACK)
        self._send(ACK | PSH, request)
        self._next += len(request)
        received = bytearray()
        while True:
            segment = self._receive(deadline - time.monotonic())
            if segment.flags & RST:
                raise ConnectionResetError(f"after {len(received)} bytes")
            if segment.flags & SYN or segment.sequence != self._expected:
                continue  # sent again before our answer arrived
            received += segment.data
            self._expected += len(segment.data)
            if segment.flags & FIN:
                self._expected += 1
                self._send(ACK | FIN)
                return bytes(received)
            if segment.data:
                self._send(ACK)

    def _send(self, flags: int, data: bytes = b"", options: bytes = b"") -> None:
        offset = (20 + len(options)) // 4 << 4
        head = struct.pack(
            "!HHIIBBHHH", _PORT, self.port, self._next, self._expected, offset, flags, _WINDOW, 0, 0
        )
        tcp = head + options + data
        source, target = socket.inet_aton(CLIENT), socket.inet_aton(SERVER)
        checked = source + target + struct.pack("!BBH", 0, socket.IPPROTO_TCP, len(tcp)) + tcp
        tcp = tcp[:16] + struct.pack("!H", _checksum(checked)) + tcp[18:]
        ip = struct.pack(
            "!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, socket.IPPROTO_TCP, 0, source, target
        )
        os.write(self._tun, ip[:10] + struct.pack("!H", _checksum(ip)) + ip[12:] + tcp)

    def _receive(self, timeout: float) -> Segment:
        """Wait for the next segment of this connection; TimeoutError when none comes."""
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0 and select.select([self._tun], [], [], left)[0]:
            packet = os.read(self._tun, 65536)
            if packet[0] >> 4 != 4 or packet[9] != socket.IPPROTO_TCP:
                continue  # IPv6 looks for its neighbours
            tcp = packet[(packet[0] & 15) * 4 : struct.unpack_from("!H", packet, 2)[0]]
            source, target, sequence, acknowledged, offset, flags = struct.unpack_from("!HHIIBB", tcp)
            if (source, target) == (self.port, _PORT):
                return Segment(flags, sequence, acknowledged, tcp[(offset >> 4) * 4 :])
        raise TimeoutError("no segment from the server")


def _checksum(data: bytes) -> int:
    """RFC 1071."""
    total: int = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
