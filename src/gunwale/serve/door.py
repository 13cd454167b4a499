"""The listening sockets: which generation gets the next connection, and none without a reset.

Every generation listens on a socket of its own. For TCP all of an address's sockets form one
SO_REUSEPORT group, and a classic BPF program says which member gets the next SYN (Linux ≥ 4.5,
no privilege). Closing a listener would reset what waits in its queue, so a door closes by steering
to the *sink*: a member whose queue is full, where the kernel drops SYNs and clients silently retry.
Tried on Linux 6.18, 2026-11-22, IPv4, IPv6 and dual stack, as an unprivileged user.

Every door has: admit() → a bound socket for a new generation; listen(); shift() → it gets every new
connection; ask() → a connection of our own to one member; close(); retire() and release().
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import struct
from array import array
from pathlib import Path

from gunwale.serve.drain import mark

SO_ATTACH_REUSEPORT_CBPF = 51
PATIENCE = 2.0
"""Seconds that a connection to ourselves may take."""
_NET_OFF = -0x100000  # SKF_NET_OFF: loads count from the IP header
_LD_B, _LD_H, _LD_W, _LD_H_X = 0x30, 0x28, 0x20, 0x48
_AND, _LSH, _TAX, _JEQ, _JA, _RET = 0x54, 0x64, 0x07, 0x15, 0x05, 0x06


def steering(default: int, source: tuple[int, int] = (0, 0), member: int | None = None) -> bytes:
    """Assemble the program: SYNs from *source* go to index *member*, all others to *default*.

    *source* is the last 32 bits of an address of ours, and a port: no stranger's connection matches both.
    """
    if member is None:
        return struct.pack("=HBBI", _RET, 0, 0, default)
    k, (tail, port) = _NET_OFF & 0xFFFFFFFF, source
    program = [
        (_LD_B, 0, 0, k),
        (_AND, 0, 0, 0xF0),
        (_JEQ, 8, 0, 0x60),  # version 6: to its own part
        (_LD_W, 0, 0, k + 12),  # IPv4 source address
        (_JEQ, 0, 11, tail),
        (_LD_B, 0, 0, k),
        (_AND, 0, 0, 0x0F),
        (_LSH, 0, 0, 2),
        (_TAX, 0, 0, 0),
        (_LD_H_X, 0, 0, k),  # the source port stands past the IPv4 header
        (_JA, 0, 0, 3),
        (_LD_W, 0, 0, k + 20),  # IPv6 source address, its last word
        (_JEQ, 0, 3, tail),
        (_LD_H, 0, 0, k + 40),
        (_JEQ, 0, 1, port),
        (_RET, 0, 0, member),
        (_RET, 0, 0, default),
    ]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


def attach(sock: socket.socket, program: bytes) -> None:
    """Give the socket's group a steering program; OSError where the kernel does not do that."""
    held = array("B", program)
    # struct sock_fprog; array tells its address, which spares this process ctypes
    fprog = struct.pack("HxxxxxxQ", len(program) // 8, held.buffer_info()[0])
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, fprog)


def refuse(member: socket.socket) -> None:
    """Refuse all connections from now on, and reset those in the queue, whoever holds a duplicate."""
    with contextlib.suppress(OSError):  # done before
        member.shutdown(socket.SHUT_RDWR)


class TcpDoor:
    """An IPv4 or IPv6 address and port.

    *group* models the kernel's array: members join at its end when they listen, and the last one
    moves into the hole when one leaves.
    """

    def __init__(self, host: str, port: int, *, steers: bool, v6only: bool = False) -> None:
        self.family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.host, self.port, self.steers, self.v6only = host, port, steers, v6only
        self.group: list[socket.socket] = []
        self.current: socket.socket | None = None
        self._kept: list[socket.socket] = []

    @property
    def text(self) -> str:
        """The address as a user writes it."""
        host = f"[{self.host}]" if self.family == socket.AF_INET6 else self.host
        return f"{host}:{self.port}"

    def admit(self, *, shared: bool = True) -> socket.socket:
        """Bind a socket for a new generation, as a member of the group; or (not *shared*) alone."""
        sock = socket.socket(self.family, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if shared:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if self.family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(self.v6only))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.bind((self.host, self.port))
            if shared and self.steers:
                mark(sock, self.current)
                if not self.group:
                    attach(sock, steering(0))
        except BaseException:
            sock.close()
            raise
        self.port = sock.getsockname()[1]
        return sock

    def listen(self, member: socket.socket, backlog: int) -> None:
        """Let *member* join the group; who gets the connections stays as it is."""
        member.listen(backlog)
        self.group.append(member)

    def shift(self, member: socket.socket) -> None:
        """Steer all new connections to *member*."""
        self.current = member
        if self.steers:
            attach(member, steering(self.group.index(member)))

    def ask(self, member: socket.socket) -> socket.socket:
        """Connect to *member*, whoever gets the others' connections; the socket has a timeout."""
        here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - compared, not bound
        mine = socket.socket(self.family, socket.SOCK_STREAM)
        mine.settimeout(PATIENCE)
        mine.bind((here, 0))
        name = mine.getsockname()
        source = (int.from_bytes(socket.inet_pton(self.family, name[0])[-4:], "big"), name[1])
        assert self.current is not None
        at = self.group.index(self.current)
        attach(self.current, steering(at, source, self.group.index(member)))
        try:
            mine.connect((here, self.port))
        finally:
            attach(self.current, steering(at))
        return mine

    def close(self) -> None:
        """Steer all new connections to the sink."""
        if not self.steers:
            raise OSError("this kernel does not steer connections")
        self._kept += _shift_to_sink(self, self.admit())

    def retire(self, member: socket.socket) -> None:
        """Remove *member* from the group, whoever holds a duplicate."""
        if member in self.group:
            at = self.group.index(member)
            refuse(member)
            self.group[at] = self.group[-1]
            self.group.pop()
            if self.current in self.group and self.current is not None:
                self.shift(self.current)
        member.close()

    def release(self) -> None:
        """Give the address back: waiting attempts are refused from now on."""
        for sock in [*self.group, *self._kept]:
            sock.close()


class UnixDoor:
    """A Unix socket's path: a new generation binds beside it and is renamed over it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.text = f"unix:{path}"
        self.steers = True
        self._kept: list[socket.socket] = []
        self._inode: int | None = None

    def admit(self, *, shared: bool = True) -> socket.socket:  # noqa: ARG002 - one signature
        """Bind under a name of its own beside the public one."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        name = f"{self.path}.{os.getpid()}.{sock.fileno()}"
        sock.bind(name)
        Path(name).chmod(0o666)  # a proxy runs as a user of its own; the folder says who may come in
        return sock

    def listen(self, member: socket.socket, backlog: int) -> None:
        """Listen under the private name."""
        member.listen(backlog)

    def shift(self, member: socket.socket) -> None:
        """Rename *member* over the public path."""
        private = Path(member.getsockname())
        if private.exists():
            private.rename(self.path)
            self._inode = Path(self.path).stat().st_ino

    def ask(self, member: socket.socket) -> socket.socket:
        """Connect to *member* by its private name."""
        mine = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        mine.settimeout(PATIENCE)
        mine.connect(member.getsockname())
        return mine

    def close(self) -> None:
        """Rename a full socket over the path: connect() waits."""
        self._kept += _shift_to_sink(self, self.admit())

    def retire(self, member: socket.socket) -> None:
        """Close it, and remove its private name if it never got the public one."""
        private = Path(member.getsockname())
        member.close()
        private.unlink(missing_ok=True)

    def release(self) -> None:
        """Remove the path if it is still ours."""
        path = Path(self.path)
        if self._inode is not None and path.exists() and path.stat().st_ino == self._inode:
            path.unlink()
        for sock in self._kept:
            sock.close()


class HeldDoor(UnixDoor):
    """A listening socket of any family that systemd made and keeps: all generations accept from it."""

    def __init__(self, text: str, fd: int) -> None:
        super().__init__("")
        self.text, self.steers = text, False
        self._held = socket.socket(fileno=fd)
        self._held.set_inheritable(False)

    def admit(self, *, shared: bool = True) -> socket.socket:  # noqa: ARG002 - one signature
        """Duplicate it."""
        return self._held.dup()

    def shift(self, member: socket.socket) -> None:
        """Do nothing: it has all connections, whoever accepts them."""

    def close(self) -> None:
        """Leave it open: what comes now waits in its queue for the next start."""
        raise OSError("systemd keeps this socket")

    def retire(self, member: socket.socket) -> None:
        """Close the duplicate only."""
        member.close()


Door = TcpDoor | UnixDoor


def _shift_to_sink(place: Door, sink: socket.socket) -> list[socket.socket]:
    """Fill *sink* with a connection of our own, then give it all the others; both are to be kept open.

    Until the shift it gets ours only: not one stranger is in its queue.
    """
    place.listen(sink, 0)
    mine = place.ask(sink)
    if not select.select([sink], [], [], PATIENCE)[0]:
        raise TimeoutError("the sink did not get our connection")
    place.shift(sink)
    return [sink, mine]


def door(address: str, *, steers: bool, v6only: bool = False) -> Door:
    """Make the door of "host:port", "[::1]:port" or "unix:/path"; nothing is bound yet."""
    if address.startswith("unix:"):
        return UnixDoor(address.removeprefix("unix:"))
    host, _, port = address.rpartition(":")
    return TcpDoor(host.strip("[]"), int(port), steers=steers, v6only=v6only)


def doors(addresses: list[str], *, steers: bool, held: dict[str, int]) -> list[Door]:
    """Make the doors of all addresses; [::] is dual stack unless 0.0.0.0 has the same port."""
    return [
        HeldDoor(address, held[address])
        if address in held
        else door(address, steers=steers, v6only=address.replace("[::]", "0.0.0.0") in addresses)  # noqa: S104 - compared
        for address in addresses
    ]
