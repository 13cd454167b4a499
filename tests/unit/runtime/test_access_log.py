"""The access log: every line parses, no field is the client's to forge, and nothing secret stays."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway import ask, hello, wrapped
from gunwale.runtime.access_log import Writer, redacted

if TYPE_CHECKING:
    from pathlib import Path

    from gateway import Log

FIELDS = [
    "time",
    "request_id",
    "remote_addr",
    "method",
    "scheme",
    "host",
    "path",
    "query",
    "protocol",
    "referer",
    "user_agent",
    "status",
    "bytes",
    "duration_ms",
    "pid",
]


def test_a_line_is_one_json_object_with_the_same_fields_each_time(log: Log) -> None:
    ask(
        wrapped(hello),
        "/products",
        QUERY_STRING="page=2",
        SERVER_PROTOCOL="HTTP/1.1",
        HTTP_HOST="shop.example",
        HTTP_REFERER="https://shop.example/",
        HTTP_USER_AGENT="test",
    )

    (line,) = log.lines
    assert list(line) == FIELDS
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
    assert 0 < line["duration_ms"] < 1000
    assert line["pid"] == os.getpid()
    expected = {
        "remote_addr": "10.0.0.7",
        "method": "GET",
        "scheme": "http",
        "host": "shop.example",
        "path": "/products",
        "query": "page=2",
        "protocol": "HTTP/1.1",
        "referer": "https://shop.example/",
        "user_agent": "test",
        "status": 200,
        "bytes": 5,
    }
    assert {name: line[name] for name in expected} == expected


HOSTILE = st.text(st.characters(codec="latin-1"), max_size=9000)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(HOSTILE, HOSTILE, HOSTILE, HOSTILE, st.sampled_from(["json", "combined"]))
def test_hostile_requests_write_one_line_of_at_most_4096_ascii_bytes(
    log: Log, path: str, query: str, agent: str, referer: str, style: str
) -> None:
    os.ftruncate(log.fd, 0)

    ask(
        wrapped(hello, serve__access_log=style),
        f"/{path}",
        QUERY_STRING=query,
        HTTP_USER_AGENT=agent,
        HTTP_REFERER=referer,
        HTTP_HOST=agent,
    )

    (line,) = log.raw
    assert len(line) <= 4096
    assert line.endswith(b"\n")
    assert all(0x20 <= byte < 0x80 for byte in line[:-1])
    if style == "json":
        parsed = json.loads(line)
        assert [name for name in parsed if name != "truncated"] == FIELDS
        assert parsed["status"] == 200


def test_no_text_ends_its_field(log: Log) -> None:
    forged = '", "status": 999, "x": "\n{"status": 999}\r\n'

    ask(wrapped(hello), HTTP_USER_AGENT=forged)

    assert log.last["user_agent"] == forged
    assert log.last["status"] == 200


def test_bytes_are_read_as_utf_8_and_what_is_none_is_escaped(log: Log) -> None:
    path = "/caf\u00e9 ".encode().decode("latin-1") + "\xff"

    ask(wrapped(hello), path)

    assert log.last["path"] == "/café \\xff"


def test_long_fields_are_cut_and_named(log: Log) -> None:
    ask(wrapped(hello), "/" + "p" * 8000, HTTP_USER_AGENT='"' * 8000, HTTP_HOST="shop.example")

    assert log.last["truncated"] == ["path", "user_agent"]
    assert log.last["path"].startswith("/ppp")
    assert log.last["host"] == "shop.example"


def test_the_path_has_its_mount_in_front(log: Log) -> None:
    ask(wrapped(hello), "/cart", SCRIPT_NAME="/shop")

    assert log.last["path"] == "/shop/cart"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("token=abc&page=2", "token=[redacted]&page=2"),
        ("page=2&access_token=abc", "page=2&access_token=[redacted]"),
        ("apiKey=abc", "apiKey=[redacted]"),
        ("key=abc", "key=[redacted]"),
        ("X-Amz-Signature=abc&X-Amz-Date=1", "X-Amz-Signature=[redacted]&X-Amz-Date=1"),
        ("user%5Bpassword%5D=abc", "user%5Bpassword%5D=[redacted]"),
        ("%74oken=abc", "%74oken=[redacted]"),
        ("code=abc&state=1", "code=[redacted]&state=1"),
        ("a=1;token=abc", "a=1;token=[redacted]"),
        ("token=a=b", "token=[redacted]"),
        ("secret", "secret"),
        ("token=", "token="),
        # Words that only contain a telling one by accident.
        ("keyword=shoes&monkey=1&encode=2&design=3", "keyword=shoes&monkey=1&encode=2&design=3"),
        ("", ""),
    ],
)
def test_values_of_telling_names_are_redacted(query: str, expected: str) -> None:
    assert redacted(query) == expected


def test_a_referers_query_is_redacted_too(log: Log) -> None:
    ask(wrapped(hello), HTTP_REFERER="https://shop.example/reset?token=abc")

    assert log.last["referer"] == "https://shop.example/reset?token=[redacted]"


def test_probes_answered_200_are_left_out(log: Log) -> None:
    application = wrapped(hello, health__liveness_path="/live")

    ask(application, "/live")
    ask(application, "/other")

    assert [line["path"] for line in log.lines] == ["/other"]


def test_a_refused_forwarded_field_is_said(log: Log) -> None:
    ask(wrapped(hello, proxies__hops={"x_for": 1}))

    assert log.last["forwarded"] == "X-Forwarded-For: 0 of 1 values"


def test_combined_is_apaches_format_with_the_id_at_its_end(log: Log) -> None:
    answer = ask(
        wrapped(hello, serve__access_log="combined"),
        "/a",
        QUERY_STRING="token=x",
        SERVER_PROTOCOL="HTTP/1.1",
        HTTP_USER_AGENT='a "quoted" \x00one',
    )

    line = log.raw[0].decode()
    line = re.sub(r"\[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\]", "[date]", line)
    agent = r'"a \"quoted\" \u0000one"'
    request = '"GET /a?token=[redacted] HTTP/1.1"'
    assert line == f'10.0.0.7 - - [date] {request} 200 5 "-" {agent} {answer["X-Request-ID"]}\n'


def test_off_writes_nothing(log: Log) -> None:
    ask(wrapped(hello, serve__access_log="off"))

    assert log.raw == []


@pytest.mark.parametrize("kind", ["closed", "full", "unread"])
def test_a_stdout_that_cannot_be_written_fails_no_request_and_is_said_once(
    kind: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    if kind == "full":
        while _fits(writing):
            pass
    if kind == "unread":
        os.close(reading)
    if kind == "closed":
        os.close(writing)
    writer = Writer(writing)
    monkeypatch.setattr("gunwale.runtime.access_log.Writer", lambda: writer)
    application = wrapped(hello)

    answers = [ask(application).code for _ in range(3)]

    assert answers == [200, 200, 200]
    assert writer.dropped == 3
    assert capfd.readouterr().err.count("gunwale: access log: cannot write to stdout") == 1


def test_a_reader_that_stands_still_holds_one_line_up_and_what_it_missed_is_said(
    capfd: pytest.CaptureFixture[str],
) -> None:
    reading, writing = os.pipe()
    writer = Writer(writing)
    while writer.dropped < 50:  # the pipe is not told apart from any other: writes would block
        writer(b"x" * 4096)
    os.read(reading, 1 << 20)
    writer(b"again\n")
    said = capfd.readouterr().err.splitlines()

    assert os.read(reading, 100) == b"again\n"
    assert said == [
        "gunwale: access log: cannot write to stdout (its reader stands still): lines are dropped",
        "gunwale: access log: stdout takes lines again: 50 were dropped",
    ]
    os.close(reading)
    os.close(writing)


def _fits(fd: int) -> bool:
    try:
        os.write(fd, b"x" * 4096)
    except BlockingIOError:
        return False
    return True


def test_four_processes_writing_to_one_pipe_tear_no_line(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    children = []
    for _ in range(4):
        if (child := os.fork()) == 0:
            write_fifty_long_lines(writing)
        children.append(child)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        lines = pipe.readlines()
    for child in children:
        os.waitpid(child, 0)

    assert len(lines) == 200
    assert len({json.loads(line)["request_id"] for line in lines}) == 200


def write_fifty_long_lines(fd: int) -> None:
    from gunwale.runtime import access_log

    access_log.Writer = lambda: Writer(fd)  # type: ignore[misc,assignment]
    try:
        application = wrapped(hello)
        for number in range(50):
            ask(application, "/" + "\n\xff" * 4000, HTTP_USER_AGENT=f"{number}" * 900)
    finally:
        os._exit(0)
