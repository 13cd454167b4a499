"""A chain of real proxies in front of an echo, from the declared layers."""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import subprocess
import urllib.request
from typing import TYPE_CHECKING, NamedTuple

import pytest

from e2e.proxies import layers, servers
from live import Live, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from e2e.proxies.servers import Server


class Front(NamedTuple):
    """Where a chain is reached, over http and https, and the application's own port behind it."""

    http: str
    https: str
    server: str


def certificate(folder: Path) -> Path:
    """Make a self-signed certificate with its key, in one file."""
    key, found, both = folder / "key.pem", folder / "certificate.pem", folder / "both.pem"
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    argv += ["-keyout", str(key), "-out", str(found), "-days", "2", "-subj", "/CN=127.0.0.1"]
    argv += ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(argv, check=True, capture_output=True, timeout=60)
    both.write_text(found.read_text() + key.read_text())
    both.chmod(0o644)
    return both


@contextlib.contextmanager
def running(
    names: Sequence[str], folder: Path, certificate_file: Path, server: Server = servers.gunicorn
) -> Iterator[Front]:
    """Run the layers *names*, client's side first, in front of the echo that *server* runs."""
    for name in names:
        program, install = layers.PROGRAMS[layers.kind(name)]
        if shutil.which(program) is None:
            pytest.skip(f"needs {layers.kind(name)}: {install}")
    folder.chmod(0o755)
    with contextlib.ExitStack() as stack:
        port = application = free_port()
        _start(stack, server(port, folder), folder, "server", port)
        tls = 0
        for number, name in reversed(list(enumerate(names))):
            place = folder / f"{number}-{name}"
            place.mkdir()
            upstream, port = port, free_port()
            tls = 0 if number else free_port()
            argv = layers.command(name, layers.Place(place, port, tls, upstream, certificate_file))
            environment = {"XDG_DATA_HOME": str(place), "XDG_CONFIG_HOME": str(place), "HOME": str(place)}
            _start(stack, argv, place, name, port, environment)
        yield Front(f"http://127.0.0.1:{port}", f"https://127.0.0.1:{tls}", f"http://127.0.0.1:{application}")


def _start(
    stack: contextlib.ExitStack,
    argv: list[str],
    folder: Path,
    name: str,
    port: int,
    env: dict[str, str] | None = None,
) -> None:
    live = stack.enter_context(Live(argv, log=folder / f"{name}.log", cwd=folder, env=env))

    def answers() -> bool:
        with (
            contextlib.suppress(OSError, ValueError, http.client.HTTPException),
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer,
        ):
            return "raw" in json.load(answer)
        return False

    live.wait_until(answers, 30, f"{name} answers on port {port}")
