"""On which addresses and ports a server listens, as far as the files tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gunwale.project.facts import Given, Place
from gunwale.project.start import Kind

if TYPE_CHECKING:
    from gunwale.project.start import Start

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Listener(NamedTuple):
    """An address the server listens on: *host* ("" every interface), *port*; *at* None: by default."""

    host: str
    port: str
    at: Place | None

    @property
    def is_loopback(self) -> bool:
        """Whether only the same network namespace reaches it."""
        return self.host in _LOOPBACK


def listeners(start: Start) -> list[Listener] | None:
    """Return where Gunicorn listens; None where that is not known, or is a socket file."""
    server = start.server
    if server is None or server.name != "gunicorn" or not is_alone(start):
        return None
    said = server.settings.get("bind")
    if said is None:
        port = start.environ.get("PORT")  # Gunicorn's default is 0.0.0.0:$PORT where it is set
        if port is None:
            return [Listener("127.0.0.1", "8000", None)]
        return [Listener("", port.value, port.at)] if port.value.isdigit() else None
    if not isinstance(said, Given):
        return None
    texts = said.value if isinstance(said.value, list) else str(said.value).split(",")
    found = [_listener(str(each).strip(), said.at) for each in texts]
    return [each for each in found if each] if all(found) else None


def is_alone(start: Start) -> bool:
    """Whether no other program in its container can be the one that listens for it."""
    quiet = (Kind.LINE, Kind.SCRIPT, Kind.CODE)
    return all(
        each.kind in quiet or each.text in ("tini", "dumb-init", "docker-init", "uv", "poetry")
        for each in start.ancestors
    )


def _listener(text: str, at: Place) -> Listener | None:
    rest = text.removeprefix("tcp://")
    if "$" in rest or rest.startswith(("unix:", "fd:")):
        return None
    host, _, port = rest.rpartition(":") if not rest.isdigit() else ("", "", rest)
    if not port:
        port = "8000"
    if not port.isdigit():
        return Listener(rest, "8000", at) if ":" not in rest else None
    clean = host.strip("[]")
    return Listener("" if clean in ("0.0.0.0", "::") else clean, port, at)  # noqa: S104 - read, not bound
