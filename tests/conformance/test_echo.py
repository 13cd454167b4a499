"""The echo on every server, and through it what no client talks a served application into."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from live import request
from served import Served

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from served import Variant

PATH = "/.gunwale/echo"
TOKEN = "0123456789abcdef01234567"
CHAIN = 'proxies.chain=[{name="ours", for="append"}]'
OWN = "203.0.113.9"


def echo(served: Served, path: str = PATH, **fields: str) -> dict[str, Any]:
    headers = {"Gunwale-Echo-Token": TOKEN} | {
        name.replace("__", "-"): value for name, value in fields.items()
    }
    answer = served.get(path, headers=headers)
    assert answer.headers["cache-control"] == "no-store"
    document: dict[str, Any] = json.loads(answer.body)
    return document


def test_the_echo_tells_before_and_after_and_only_who_knows_the_token(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    served = serve(*variant.options, "--set", CHAIN, workers=1, env={"GUNWALE_ECHO_TOKEN": TOKEN})

    document = echo(served, X__Forwarded__For=f"6.6.6.6, {OWN}")

    assert (document["raw"]["REMOTE_ADDR"], document["seen"]["REMOTE_ADDR"]) == ("127.0.0.1", OWN)
    assert document["server"].startswith(f"{variant.server}/")
    assert b'"raw"' not in served.get(PATH).body
    assert TOKEN not in json.dumps(document)
    assert TOKEN not in served.log_text()


FORGED = {
    "an open quote": {"X-Forwarded-For": f'"x, {OWN}'},
    "an underscore alias": {"X_Forwarded_For": "6.6.6.6"},
    "a scheme by another field": {"X-Forwarded-Ssl": "on"},
    "a scheme by a third": {"X-Forwarded-Protocol": "ssl"},
    "a scheme no proxy writes": {"X-Forwarded-Proto": "https"},
    "a host no proxy writes": {"X-Forwarded-Host": "evil.example"},
    "a prefix no proxy writes": {"X-Forwarded-Prefix": "//evil.example"},
    "a path shortened past the proxy's rules": {"SCRIPT_NAME": "/.gunwale"},
}


def test_no_field_of_a_client_changes_what_the_application_sees(
    variant: Variant, serve: Callable[..., Served], project: Path
) -> None:
    # The most believing configuration that Gunicorn has.
    (project / "gunicorn.conf.py").write_text("forwarded_allow_ips = '*'\nheader_map = 'dangerous'\n")
    served = serve(*variant.options, "--set", CHAIN, workers=1, env={"GUNWALE_ECHO_TOKEN": TOKEN})

    for name, forged in FORGED.items():
        seen = echo(served, **{"X-Forwarded-For": OWN, **forged})["seen"]

        assert (seen["request.remote_addr"], seen["request.scheme"]) == (OWN, "http"), name
        assert seen["request.host"] == f"127.0.0.1:{served.port}", name
        assert (seen["request.script_root"], seen["PATH_INFO"]) == ("", PATH), name


def test_gunwale_echo_stands_in_the_applications_place(project: Path, tmp_path: Path) -> None:
    words = [
        sys.executable,
        "-m",
        "gunwale",
        "echo",
        "--allow-root",
        "--bind",
        "127.0.0.1:0",
        "--token",
        "t0ken",
    ]
    (project / "gunwale.toml").write_text("[environment]\nrequired = ['ONLY_THE_APPLICATION_NEEDS_IT']\n")

    with Served(
        words, log=tmp_path / "echo.log", cwd=project, env={"GUNWALE_SERVE_ADMIN_BIND": "off"}
    ) as served:
        answer = request("127.0.0.1", served.port, "/a/b?c=d", headers={"Gunwale-Echo-Token": "t0ken"})
        refused = served.get("/a/b")

    assert json.loads(answer.body)["raw"]["PATH_INFO"] == "/a/b"
    assert refused.status == 403
