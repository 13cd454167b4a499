"""The echo: what the server handed over and what became of it, for who knows the token, and nobody else."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, request
from werkzeug.middleware.proxy_fix import ProxyFix

from gateway import ask, hello, wrapped
from gunwale import Gunwale
from gunwale.runtime import echo

if TYPE_CHECKING:
    from gateway import Log

TOKEN = "0123456789abcdef01234567"
KNOWN: dict[str, Any] = {"HTTP_GUNWALE_ECHO_TOKEN": TOKEN}
CHAIN: dict[str, Any] = {"proxies__hops": {"x_for": 1, "x_proto": 1}, "serve__access_log": "off"}


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(echo.TOKEN_VARIABLE, TOKEN)
    return TOKEN


@pytest.fixture(autouse=True)
def _no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(echo.TOKEN_VARIABLE, raising=False)


def answered(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("404 Not Found", [])
    return [b"the application's"]


def test_raw_is_what_the_server_said_and_seen_what_became_of_it(token: str) -> None:
    answer = ask(
        wrapped(hello, **CHAIN),
        echo.PATH,
        HTTP_X_FORWARDED_FOR="6.6.6.6, 203.0.113.9",
        HTTP_X_FORWARDED_PROTO="https",
        SERVER_SOFTWARE="gunicorn/27.0.1",
        **KNOWN,
    )

    raw, seen = answer.json["raw"], answer.json["seen"]
    assert (raw["REMOTE_ADDR"], raw["wsgi.url_scheme"]) == ("10.0.0.7", "http")
    assert (seen["REMOTE_ADDR"], seen["wsgi.url_scheme"]) == ("203.0.113.9", "https")
    assert raw["HTTP_X_FORWARDED_FOR"] == seen["HTTP_X_FORWARDED_FOR"] == "6.6.6.6, 203.0.113.9"
    assert (seen["request.remote_addr"], seen["request.scheme"]) == ("203.0.113.9", "https")
    assert answer.json["server"] == "gunicorn/27.0.1"
    assert answer.json["refused"] is None
    assert answer["Cache-Control"] == "no-store"


def test_what_was_refused_is_told(token: str) -> None:
    document = ask(wrapped(hello, **CHAIN), echo.PATH, HTTP_X_FORWARDED_PROTO="https", **KNOWN).json

    assert document["refused"] == "X-Forwarded-For: 0 of 1 values"


def test_without_a_token_in_the_environment_the_path_is_the_applications() -> None:
    assert ask(wrapped(answered, **CHAIN), echo.PATH, **KNOWN).body == b"the application's"


@pytest.mark.parametrize(
    "given", [{}, {"HTTP_GUNWALE_ECHO_TOKEN": "wrong"}, {"HTTP_GUNWALE_ECHO_TOKEN": "é\u20ac"}]
)
def test_without_the_right_token_in_the_request_the_path_is_the_applications(
    token: str, given: dict[str, Any]
) -> None:
    assert ask(wrapped(answered, **CHAIN), echo.PATH, **given).body == b"the application's"


def test_the_token_may_come_in_the_query_where_a_front_drops_fields(token: str) -> None:
    answer = ask(wrapped(hello, **CHAIN), echo.PATH, QUERY_STRING=f"n=1&gunwale-echo-token={TOKEN}")

    assert answer.json["raw"]["QUERY_STRING"] == "n=1&gunwale-echo-token=(not shown)"


def test_a_token_in_the_query_is_never_logged(token: str, log: Log) -> None:
    where = f"n=1&gunwale-echo-token={TOKEN}"
    known = ask(wrapped(hello), echo.PATH, QUERY_STRING=where, HTTP_REFERER=f"https://shop.example/?{where}")
    other = ask(wrapped(answered), "/other", QUERY_STRING=where)

    assert (known.code, other.code) == (200, 404)
    assert len(log.raw) == 2
    assert TOKEN.encode() not in b"".join(log.raw)


def test_no_secret_is_shown(token: str) -> None:
    secrets: dict[str, Any] = {"HTTP_COOKIE": "session=s3cr3t", "HTTP_AUTHORIZATION": "Bearer s3cr3t"}
    answer = ask(
        wrapped(hello, **CHAIN), echo.PATH, HTTP_REFERER=f"/?gunwale-echo-token={TOKEN}", **KNOWN, **secrets
    )

    assert answer.json["raw"]["HTTP_COOKIE"] == "(not shown)"
    assert b"s3cr3t" not in answer.body
    assert TOKEN.encode() not in answer.body


def test_a_short_token_opens_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(echo.TOKEN_VARIABLE, "short")
    with caplog.at_level(logging.WARNING):
        answer = ask(wrapped(answered, **CHAIN), echo.PATH, HTTP_GUNWALE_ECHO_TOKEN="short")

    assert answer.body == b"the application's"
    assert "shorter than 24 characters" in caplog.text
    assert "'short'" not in caplog.text


def test_trusted_hosts_do_not_hide_the_echo_and_hold_for_everyone_else(token: str) -> None:
    app = wrapped(answered, **CHAIN, security__trusted_hosts=["shop.example"])

    assert ask(app, echo.PATH, HTTP_HOST="other.example", **KNOWN).code == 200
    assert ask(app, echo.PATH, HTTP_HOST="other.example").code == 400


def test_a_head_request_has_no_body(token: str) -> None:
    assert ask(wrapped(hello, **CHAIN), echo.PATH, REQUEST_METHOD="HEAD", **KNOWN).body == b""


def _flask() -> Flask:
    app = Flask("shop")
    app.add_url_rule("/address", "address", lambda: f"{request.remote_addr} {request.url_root}")
    return app


@pytest.mark.parametrize("is_extension", [True, False])
def test_the_applications_own_proxyfix_counts_where_no_chain_is_declared(
    token: str, is_extension: bool
) -> None:
    app = _flask()
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_host=1)  # type: ignore[method-assign]
    forged: dict[str, Any] = {"HTTP_X_FORWARDED_FOR": "203.0.113.9", "HTTP_X_FORWARDED_HOST": "evil.example"}
    if is_extension:
        Gunwale(app, access_log="off")
    served: Any = app if is_extension else wrapped(app, serve__access_log="off")

    document = ask(served, echo.PATH, **forged, **KNOWN).json

    assert document["raw"]["REMOTE_ADDR"] == "10.0.0.7"
    assert document["seen"]["request.remote_addr"] == "203.0.113.9"
    assert document["seen"]["request.host"] == "evil.example"
    assert document["proxy_fix"] == [{"x_for": 1, "x_proto": 1, "x_host": 1, "x_port": 0, "x_prefix": 0}]
    # Looking did not change what the application itself sees.
    assert ask(served, "/address", **forged).body == b"203.0.113.9 http://evil.example/"


def test_a_proxyfix_around_gunwale_does_not_hide_the_raw_fields(token: str) -> None:
    outside: Any = ProxyFix(wrapped(hello, serve__access_log="off"), x_for=1)

    document = ask(outside, echo.PATH, HTTP_X_FORWARDED_FOR="203.0.113.9", **KNOWN).json

    assert (document["raw"]["REMOTE_ADDR"], document["seen"]["REMOTE_ADDR"]) == ("10.0.0.7", "203.0.113.9")


def test_in_an_applications_place_every_path_is_the_echo() -> None:
    document = ask(wrapped(echo.application, **CHAIN), "/any/path", HTTP_X_FORWARDED_FOR="203.0.113.9").json

    assert document["raw"]["PATH_INFO"] == "/any/path"
    assert document["seen"]["REMOTE_ADDR"] == "203.0.113.9"


def test_in_an_applications_place_a_token_keeps_others_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(echo.TOKEN_VARIABLE, "any length does here")

    app = wrapped(echo.application, **CHAIN)

    assert ask(app, "/").code == 403
    assert ask(app, "/", HTTP_GUNWALE_ECHO_TOKEN="any length does here").code == 200


def test_a_server_that_does_not_tell_its_version_is_named_with_it() -> None:
    document = ask(wrapped(echo.application, **CHAIN), SERVER_SOFTWARE="waitress").json

    assert document["server"].startswith("waitress/")
