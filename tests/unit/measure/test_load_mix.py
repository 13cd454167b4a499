"""Where mixes come from: what is taken, what is left out, and that it is said."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from gateway import ask, wrapped
from gunwale.errors import ConfigurationError
from gunwale.measure.load import Ask
from gunwale.measure.load_mix import EXPECTED, Mix, read_mix
from gunwale.measure.load_trial import tried
from gunwale.measure.posts import Stored
from tiny_server import OK, Server

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path

FILE = """
[[request]]
path = "/products?page=2"
weight = 5

[[request]]
method = "POST"
path = "/orders"
body = "product_id=1&key={id}"
fields = { Content-Type = "application/x-www-form-urlencoded", Host = "shop.example" }
expect = "201"

[[request]]
path = "/download"
read_pace = "100kB"

[[request]]
method = "POST"
path = "/upload"
size = "2MiB"
send_pace = "1MB"
expect = ["2xx", "413"]

[posts]
paths = ["/orders"]
callable = "shop.audit:keys"
"""


def mix_of(path: Path, **more: Any) -> Mix:
    return read_mix(path.name, app="", directory=path.parent, **more)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_file_of_requests_is_what_its_author_meant(tmp_path: Path) -> None:
    mix = mix_of(write(tmp_path / "load.toml", FILE))

    assert mix.asks == (
        Ask(path="/products?page=2", weight=5, expect=EXPECTED),
        Ask(
            method="POST",
            path="/orders",
            body="product_id=1&key={id}",
            fields={"Content-Type": "application/x-www-form-urlencoded", "Host": "shop.example"},
            expect=("201",),
        ),
        Ask(path="/download", read_pace=100_000, expect=EXPECTED),
        Ask(method="POST", path="/upload", size=2 * 2**20, send_pace=10**6, expect=("2xx", "413")),
    )
    assert mix.stored == Stored(callable="shop.audit:keys", paths=("/orders",))
    assert mix.notes == ()


def test_json_is_the_same_with_or_without_a_name_for_the_list(tmp_path: Path) -> None:
    requests = [{"path": "/", "weight": 2}]
    bare = write(tmp_path / "a.json", json.dumps(requests))
    named = write(tmp_path / "b.json", json.dumps({"request": requests}))

    assert mix_of(bare).asks == mix_of(named).asks == (Ask(weight=2, expect=EXPECTED),)


def test_field_host_is_the_one_that_is_sent() -> None:
    lines = Ask(fields={"Host": "shop.example"}).payload("127.0.0.1:1", "id", keep=False).split(b"\r\n")

    assert [line for line in lines if line.lower().startswith(b"host:")] == [b"Host: shop.example"]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('path = "products"', 'load.toml: request[0].path: should be a path such as "/products/1?sort=name"'),
        ('path = "/a b"', "request[0].path"),
        ("weight = 0", "request[0].weight: should be an integer of at least 1, not 0"),
        ("wieght = 2", "did you mean weight?"),
        ('expect = ["2xx", "600"]', "'600'"),
        ('read_pace = "fast"', 'request[0].read_pace: should be a size such as "256MiB"'),
        ('fields = { "Content-Length" = "3" }', "'Content-Length' is written by the load itself"),
        ('fields = { "X-A" = "b\\r\\nX-C: d" }', "'X-A' should be a field name with a text on one line"),
        ("[posts]\npaths = ['/orders']", "should have exactly one of callable, command, url, sql"),
    ],
)
def test_request_that_cannot_be_sent_is_refused_with_its_place(tmp_path: Path, text: str, wrong: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        mix_of(write(tmp_path / "load.toml", f"[[request]]\n{text}\n"))

    assert wrong in str(caught.value)


def test_everything_wrong_with_a_file_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        mix_of(
            write(tmp_path / "a.toml", '[[request]]\nweight = 0\n[[request]]\nmethod = "get"\n[request_]\n')
        )

    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    ("name", "text", "wrong"),
    [
        ("a.toml", "", "holds no request that can be sent"),
        ("a.toml", "[[request", "cannot be read"),
        ("a.json", "3", "should be a list of requests"),
        ("gone.log", None, "cannot be read: No such file"),
        ("a.log", "nothing of the kind\n", "has no line of an access log"),
        ("a.log", "", "has no line of an access log"),
    ],
)
def test_source_of_nothing_is_refused(tmp_path: Path, name: str, text: str | None, wrong: str) -> None:
    if text is not None:
        write(tmp_path / name, text)

    with pytest.raises(ConfigurationError, match=wrong):
        mix_of(tmp_path / name)


COMBINED = r"""
10.0.0.7 - - [28/Nov/2026:10:00:00 +0000] "GET /products?page=2 HTTP/1.1" 200 512 "-" "Mozilla/5.0 (X11)"
10.0.0.7 - ann [28/Nov/2026:10:00:01 +0000] "GET /products?page=2 HTTP/1.0" 304 - "-" "curl"
10.0.0.7 - - [28/Nov/2026:10:00:02 +0000] "GET /caf%C3%A9/a%2Fb?q=\"x\" HTTP/1.1" 200 5
10.0.0.7 - - [28/Nov/2026:10:00:03 +0000] "GET /caf\xc3\xa9 HTTP/1.1" 200 5 "-" "\"quoted\""
10.0.0.7 - - [28/Nov/2026:10:00:04 +0000] "POST /orders HTTP/1.1" 201 5 "-" "-"
10.0.0.7 - - [28/Nov/2026:10:00:05 +0000] "GET /wp-login.php HTTP/1.1" 404 5 "-" "-"
10.0.0.7 - - [28/Nov/2026:10:00:06 +0000] "GET /login?token=[redacted] HTTP/1.1" 200 5 "-" "-"
10.0.0.7 - - [28/Nov/2026:10:00:07 +0000] "\x16\x03\x01" 400 5 "-" "-"
10.0.0.7 - - [28/Nov/2026:10:00:08 +0000] "OPTIONS * HTTP/1.1" 200 5 "-" "-"
"""


def test_combined_log_becomes_what_was_asked_safely_and_answered(tmp_path: Path) -> None:
    path = tmp_path / "access.log.gz"
    path.write_bytes(gzip.compress(COMBINED.encode()))
    mix = mix_of(path)

    assert [(each.method, each.path, each.weight) for each in mix.asks] == [
        ("GET", "/products?page=2", 2),
        ("GET", "/caf%C3%A9/a%2Fb?q=%22x%22", 1),
        ("GET", "/caf%C3%83%C2%A9", 1),
    ]
    assert all(each.expect == EXPECTED for each in mix.asks)
    assert set(mix.notes[:-1]) == {
        "left out: 1 request, whose method is not safe (POST)",
        "left out: 1 request, answered 4xx",
        "left out: 1 request, with a redacted value",
        "left out: 1 request, that were none of HTTP",
        "left out: 1 request, whose target is no path",
    }
    assert "cookies" in mix.notes[-1]


def test_methods_that_are_not_safe_are_taken_when_that_is_said(tmp_path: Path) -> None:
    mix = mix_of(write(tmp_path / "access.log", COMBINED), is_unsafe_too=True)

    assert ("POST", "/orders") in {(each.method, each.path) for each in mix.asks}
    assert any("1 requests are of methods that are not safe" in note for note in mix.notes)


@pytest.mark.parametrize("style", ["json", "combined"])
def test_our_own_log_is_read_as_it_was_asked(
    style: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[bytes] = []
    monkeypatch.setattr("gunwale.runtime.access_log.Writer", lambda: lines.append)
    application = wrapped(plain, serve__access_log=style)
    latin = "/caf\u00e9 au lait".encode().decode("latin-1")  # as PEP 3333 hands it over
    for path, query in ((latin, "size=2&q=a%20b"), ("/products", ""), ("/login", "token=s3cr3t")):
        ask(application, path, QUERY_STRING=query, SERVER_PROTOCOL="HTTP/1.1", REQUEST_METHOD="GET")
    ask(application, "/x" * 3000, SERVER_PROTOCOL="HTTP/1.1")
    (tmp_path / "out.log").write_bytes(b"[2026-11-28] [INFO] Starting\n" + b"".join(lines))

    mix = mix_of(tmp_path / "out.log")

    told = {each.path for each in mix.asks}
    assert "/products" in told
    assert any("redacted" in note for note in mix.notes)
    assert any("none of an access log" in note for note in mix.notes)
    if style == "json":
        assert told == {"/caf%C3%A9%20au%20lait?size=2&q=a%20b", "/products"}
        assert any("cut in the log" in note for note in mix.notes)


def plain(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    return [b""]


def test_the_most_common_of_a_log_of_many_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gunwale.measure.load_mix_log.MOST_ASKS", 2)
    monkeypatch.setattr("gunwale.measure.load_mix_log._DISTINCT", 3)
    paths = ["/a"] * 3 + ["/b"] * 2 + ["/c"] + ["/d"]
    log = "".join(
        f'- - - [28/Nov/2026:10:00:00 +0000] "GET {path} HTTP/1.1" 200 1 "-" "-"\n' for path in paths
    )
    mix = mix_of(write(tmp_path / "access.log", log))

    assert [(each.path, each.weight) for each in mix.asks] == [("/a", 3), ("/b", 2)]
    assert set(mix.notes[:-1]) == {
        "left out: 1 request, rarer than the 2 most common",
        "left out: 1 request, new after 3 different ones",
    }


def test_trial_leaves_out_what_no_load_can_judge_by(serve: Callable[..., Server]) -> None:
    replies = {
        b"/gone": b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        b"/old": b"HTTP/1.1 301 Moved\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    }

    def behave(server: Server, connection: socket.socket, number: int) -> None:
        path = server.read(connection).split(b" ")[1]
        if path == b"/events":
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\ndata: 1\n\n")
            connection.recv(1)
        connection.sendall(replies.get(path, OK))

    asks = [Ask(path=f"/{name}", expect=EXPECTED) for name in ("", "gone", "old", "events")]
    asks += [
        Ask(path="/orders", method="POST", expect=EXPECTED),
        Ask(path="/as-said", expect=("2xx", "3xx", "418")),
    ]
    server = serve(behave)
    mix = tried(Mix(asks=tuple(asks), source="test"), server.url, patience=0.5)

    assert [(each.path, each.expect) for each in mix.asks] == [
        ("/", ("2xx",)),
        ("/old", ("3xx",)),
        ("/orders", EXPECTED),
        ("/as-said", ("2xx", "3xx", "418")),
    ]
    assert set(mix.notes) == {
        "left out: /gone, answered 404 when tried",
        "left out: /events, still streaming when tried",
    }
    assert not any(head.startswith(b"POST") for head in server.requests)
