"""Waitress's half, as far as it is values: what the plan becomes, and what its parser refuses."""

from __future__ import annotations

import logging
import resource
import tempfile
from typing import TYPE_CHECKING

import pytest
from waitress.parser import ParsingError

from gunwale.runtime import server_log
from gunwale.runtime.waitress_adjustments import MIB, adjustments
from gunwale.runtime.waitress_parser import Parser

if TYPE_CHECKING:
    from collections.abc import Iterator

PLAN = {"serve.threads": 8, "serve.keepalive": 75.0}


def limit_descriptors(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _what: (number, number))


def test_the_plan_becomes_waitress_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    limit_descriptors(monkeypatch, 20_000)
    found = adjustments(PLAN)

    assert (found.threads, found.channel_timeout, found.connection_limit) == (8, 75, 1000)
    assert found.clear_untrusted_proxy_headers is False
    assert found.trusted_proxy is None
    assert found.expose_tracebacks is False


@pytest.mark.parametrize(
    ("descriptors", "connections"), [(resource.RLIM_INFINITY, 1000), (256, 64), (80, 16)]
)
def test_connections_stay_within_the_descriptor_limit(
    monkeypatch: pytest.MonkeyPatch, descriptors: int, connections: int
) -> None:
    limit_descriptors(monkeypatch, descriptors)

    assert adjustments(PLAN).connection_limit == connections


def test_without_a_folder_for_temporary_files_everything_stays_in_memory(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def gone() -> str:
        raise FileNotFoundError

    monkeypatch.setattr(tempfile, "gettempdir", gone)
    found = adjustments(PLAN)

    assert found.outbuf_overflow > 1 << 40
    assert found.inbuf_overflow > 1 << 40
    assert (found.outbuf_high_watermark, found.max_request_body_size) == (MIB, 16 * MIB)
    assert "request bodies end at 16 MiB" in capsys.readouterr().err


def parse(*fields: bytes, version: bytes = b"1.1") -> Parser:
    parser = Parser(adjustments(PLAN))
    parser.parse_header(b"\r\n".join([b"POST / HTTP/" + version, *fields, b""]))
    return parser


@pytest.mark.parametrize(
    ("fields", "version", "told"),
    [
        ([b"Transfer-Encoding: chunked", b"Content-Length: 4"], b"1.1", "and Content-Length in one request"),
        ([b"Content-Length: 4", b"Transfer-Encoding: chunked"], b"1.1", "and Content-Length in one request"),
        ([b"Transfer-Encoding: chunked"], b"1.0", "in an HTTP/1.0 request"),
        ([b"Host: a", b"Host: b"], b"1.1", "Host is given twice"),
    ],
)
def test_what_two_parsers_may_read_differently_is_refused(
    fields: list[bytes], version: bytes, told: str
) -> None:
    with pytest.raises(ParsingError, match=told):
        parse(*fields, version=version)


def test_fields_of_one_meaning_are_read() -> None:
    assert parse(b"Host: a", b"Transfer-Encoding: chunked").chunked
    assert parse(b"Host: a:80", b"Content-Length: 4").content_length == 4


def test_underscore_aliases_are_dropped() -> None:
    """As "X_Forwarded_For" a client could speak for the proxy."""
    found = parse(b"Host: a", b"X_Forwarded_For: 6.6.6.6", b"X-Forwarded-For: 1.2.3.4")

    assert found.headers["X_FORWARDED_FOR"] == "1.2.3.4"


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    found = logging.getLogger("a-server")
    yield found
    found.setLevel(logging.NOTSET)
    found.filters.clear()


def test_a_line_break_in_a_path_forges_no_line(
    logger: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    server_log.set_up({"a-server": logging.INFO})
    logger.info("Client disconnected while serving %s", "/a\nforged\x1b[2J")

    assert caplog.messages == ["Client disconnected while serving /a\\nforged\\x1b[2J"]


def test_a_level_that_the_application_gave_stands(logger: logging.Logger) -> None:
    logger.setLevel(logging.DEBUG)
    server_log.set_up({"a-server": logging.ERROR})

    assert logger.level == logging.DEBUG
