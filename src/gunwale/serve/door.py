"""The listening sockets: which generation gets the next connection, and none without a reset.

Every generation listens on a socket of its own. For TCP all of an address's sockets form one
SO_REUSEPORT group, and a classic BPF program says which member gets the next SYN (Linux ≥ 4.5,
no privilege). Closing a listener would reset what waits in its queue, so a door closes by steering
to the *sink*: a member whose queue is full, where the kernel drops SYNs and clients silently retry.
Tried on Linux 6.18, 2026-11-22, IPv4, IPv6 and dual stack, as an unprivileged user.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import stat
import struct
from array import array
from pathlib import Path
from typing import NamedTuple, Protocol

SO_ATTACH_REUSEPORT_CBPF = 51
_NET_OFF = -0x100000  # SKF_NET_OFF: loads count from the IP header
_LD_B, _LD_H, _LD_W, _LD_H_X = 0x30, 0x28, 0x20, 0x48
_AND, _LSH, _TAX, _JEQ, _JA, _RET = 0x54, 0x64, 0x07, 0x15, 0x05, 0x06


class DoorError(Exception):
    """An address that cannot be served; *in_use* where somebody else has it."""

    def __init__(self, where: str, message: str, hint: str, *, in_use: bool = False) -> None:
        super().__init__(message)
        self.where, self.message, self.hint, self.in_use = where, message, hint, in_use


class Door(Protocol):
    """One public address."""

    @property
    def text(self) -> str:
        """The address as a user writes it."""

    def admit(self) -> socket.socket:
        """Give a bound socket for a new generation; it does not listen yet."""

    def shift(self, member: socket.socket, backlog: int) -> None:
        """Let *member* get every new connection from now on; it listens if it did not."""

    def close(self) -> None:
        """No new connection: attempts wait, nobody is reset. OSError where the kernel refuses."""

    def retire(self, member: socket.socket) -> None:
        """Take a finished generation's socket out, whoever still holds a duplicate of it."""

    def release(self) -> None:
        """Give the address back: waiting attempts are refused from now on."""


class Source(NamedTuple):
    """Our own connection, told apart by where it comes from: *tail* is its address's last 32 bits."""

    tail: int
    port: int


def steering(default: int, source: Source | None = None, member: int = 0) -> bytes:
    """Assemble the program: SYNs from *source* go to index *member*, all others to *default*."""
    if source is None:
        return struct.pack("=HBBI", _RET, 0, 0, default)
    k = _NET_OFF & 0xFFFFFFFF
    program = [
        (_LD_B, 0, 0, k),
        (_AND, 0, 0, 0xF0),
        (_JEQ, 8, 0, 0x60),  # version 6: to its own part
        (_LD_W, 0, 0, k + 12),  # IPv4 source address
        (_JEQ, 0, 11, source.tail),
        (_LD_B, 0, 0, k),
        (_AND, 0, 0, 0x0F),
        (_LSH, 0, 0, 2),
        (_TAX, 0, 0, 0),
        (_LD_H_X, 0, 0, k),  # the source port stands past the IPv4 header
        (_JA, 0, 0, 3),
        (_LD_W, 0, 0, k + 20),  # IPv6 source address, its last word
        (_JEQ, 0, 3, source.tail),
        (_LD_H, 0, 0, k + 40),
        (_JEQ, 0, 1, source.port),
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


def fill(sink: socket.socket, mine: socket.socket) -> socket.socket:
    """Wait until our own connection *mine* sits in the sink's queue: then it is full."""
    if not select.select([sink], [], [], 2.0)[0]:
        raise TimeoutError("the sink did not get our connection")
    return mine


class TcpDoor:
    """An IPv4 or IPv6 address and port.

    *group* models the kernel's array: members join at its end when they listen, and the last one
    moves into the hole when one leaves.
    """

    def __init__(self, host: str, port: int, *, v6only: bool = False) -> None:
        self.family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.host, self.port, self.v6only = host, port, v6only
        self.group: list[socket.socket] = []
        self.steers = True
        self._kept: list[socket.socket] = []
        self._claim()

    @property
    def text(self) -> str:
        """The address as a user writes it."""
        host = f"[{self.host}]" if self.family == socket.AF_INET6 else self.host
        return f"{host}:{self.port}"

    def bound(self, *, shared: bool) -> socket.socket:
        """Bind a socket, as a member of the group or (not *shared*) alone."""
        sock = socket.socket(self.family, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if shared:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if self.family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(self.v6only))
            sock.bind((self.host, self.port))
        except BaseException:
            sock.close()
            raise
        return sock

    def _claim(self) -> None:
        """Find out whether somebody else listens: SO_REUSEPORT alone would let two share the port."""
        try:
            probe = self.bound(shared=False)
        except PermissionError as error:
            hint = "ports below 1024 need privilege: bind 8000 and let the proxy have 80"
            raise DoorError(self.text, "may not be bound by this user", hint) from error
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                hint = f"another process listens on port {self.port}: stop it, or give --bind another port"
                raise DoorError(self.text, "is already in use", hint, in_use=True) from error
            hint = "give --bind an address of this machine, for example 127.0.0.1:8000"
            raise DoorError(self.text, f"cannot be bound ({error.strerror or error})", hint) from error
        with probe:
            if self.port == 0:
                self.port = probe.getsockname()[1]

    def admit(self) -> socket.socket:
        """Bind a socket for a new generation."""
        sock = self.bound(shared=True)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not self.group:
            try:
                attach(sock, steering(0))
            except OSError:
                self.steers = False
        return sock

    def shift(self, member: socket.socket, backlog: int) -> None:
        """Steer all new connections to *member*."""
        if member not in self.group:
            member.listen(backlog)
            self.group.append(member)
        if self.steers:
            attach(member, steering(self.group.index(member)))

    def close(self) -> None:
        """Steer all new connections to the sink."""
        if not self.steers:
            raise OSError("the kernel does not steer this port's connections")
        here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - compared, not bound
        mine = socket.socket(self.family, socket.SOCK_STREAM)
        sink = self.bound(shared=True)
        self._kept += [mine, sink]
        mine.bind((here, 0))
        name = mine.getsockname()
        source = Source(int.from_bytes(socket.inet_pton(self.family, name[0])[-4:], "big"), name[1])
        serving, last = self.group[-1], len(self.group)
        at = self.group.index(serving)
        # The program stands before the sink listens: not one stranger may get into its queue.
        attach(serving, steering(at, source, last))
        sink.listen(0)
        self.group.append(sink)
        mine.settimeout(2.0)
        mine.connect((here, self.port))
        fill(sink, mine)
        attach(serving, steering(last))

    def retire(self, member: socket.socket) -> None:
        """Remove *member* from the group, whoever holds a duplicate."""
        if member in self.group:
            steered = self.group[-1]
            at = self.group.index(member)
            member.shutdown(socket.SHUT_RDWR)
            moved = self.group.pop()
            if moved is not member:
                self.group[at] = moved
            if self.group and steered in self.group and self.steers:
                attach(steered, steering(self.group.index(steered)))
        member.close()

    def release(self) -> None:
        """Close what is left."""
        for sock in [*self.group, *self._kept]:
            sock.close()
        self.group.clear()
        self._kept.clear()


class UnixDoor:
    """A Unix socket's path: a new generation binds beside it and is renamed over it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._count = 0
        self._kept: list[socket.socket] = []
        self._inode: int | None = None
        self._claim()

    @property
    def text(self) -> str:
        """The address as a user writes it."""
        return f"unix:{self.path}"

    def _claim(self) -> None:
        try:
            mode = os.stat(self.path).st_mode  # noqa: PTH116 - pathlib would not spare a line
        except FileNotFoundError:
            if not os.access(Path(self.path).parent, os.W_OK | os.X_OK):
                hint = "make the folder, writable for the user that serve runs as"
                raise DoorError(self.text, "its folder cannot be written", hint) from None
            return
        if not stat.S_ISSOCK(mode):
            raise DoorError(
                self.text, "is there already, and not a socket", "remove it, or give another path"
            )
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(0)
            if probe.connect_ex(self.path) != errno.ECONNREFUSED:  # refused: a leftover, nobody listens
                hint = "another process listens on it: stop it, or give --bind another path"
                raise DoorError(self.text, "is already in use", hint, in_use=True)

    def _bound(self) -> tuple[socket.socket, str]:
        self._count += 1
        name = f"{self.path}.{os.getpid()}.{self._count}"
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.bind(name)
        except OSError as error:
            sock.close()
            hint = "a Unix socket's path has at most 100 characters, in a folder this user may write"
            raise DoorError(self.text, f"cannot be bound ({error.strerror or error})", hint) from error
        Path(name).chmod(0o666)  # a proxy runs as a user of its own; the folder says who may come in
        return sock, name

    def admit(self) -> socket.socket:
        """Bind under a name of its own beside the public one."""
        return self._bound()[0]

    def shift(self, member: socket.socket, backlog: int) -> None:
        """Rename *member* over the public path."""
        name = member.getsockname()
        member.listen(backlog)
        if Path(name).exists():
            Path(name).rename(self.path)
            self._inode = Path(self.path).stat().st_ino

    def close(self) -> None:
        """Rename a full socket over the path: connect() waits."""
        sink, name = self._bound()
        sink.listen(0)
        mine = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._kept += [mine, sink]
        mine.connect(name)
        fill(sink, mine)
        Path(name).rename(self.path)
        self._inode = Path(self.path).stat().st_ino

    def retire(self, member: socket.socket) -> None:
        """Close it, and remove its private name if it never got the public one."""
        name = member.getsockname()
        member.close()
        Path(name).unlink(missing_ok=True)

    def release(self) -> None:
        """Remove the path if it is still ours."""
        try:
            if Path(self.path).stat().st_ino == self._inode:
                Path(self.path).unlink()
        except OSError:
            pass
        for sock in self._kept:
            sock.close()
        self._kept.clear()


def open_doors(addresses: list[str]) -> list[Door]:
    """Open each "host:port", "[::1]:port" or "unix:/path"; DoorError with nothing left open."""
    doors: list[Door] = []
    try:
        for address in addresses:
            if address.startswith("unix:"):
                doors.append(UnixDoor(address.removeprefix("unix:")))
            else:
                host, _, port = address.rpartition(":")
                host = host.strip("[]")
                v6only = host == "::" and any(other == f"0.0.0.0:{port}" for other in addresses)
                doors.append(TcpDoor(host, int(port), v6only=v6only))
    except DoorError:
        for door in doors:
            door.release()
        raise
    return doors
