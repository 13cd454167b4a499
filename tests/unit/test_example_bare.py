"""examples/bare.py, as wsgiref.validate sees it: what server tests lean on must itself be right."""

import importlib.util
import io
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

PATHS = ["/", "/echo", "/environ", "/slow?seconds=0", "/stream", "/write", "/nowhere"]


@pytest.fixture(scope="module")
def application() -> "WSGIApplication":
    spec = importlib.util.spec_from_file_location("bare", Path(__file__).parents[2] / "examples" / "bare.py")
    assert spec is not None
    assert spec.loader is not None
    bare = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bare)
    checked: WSGIApplication = validator(bare.application)
    return checked


def ask(
    application: "WSGIApplication",
    path: str,
    *,
    method: str = "GET",
    body: bytes | None = None,
    **environ: Any,
) -> tuple[str, dict[str, str], bytes]:
    """Call as a server does: strictly, with the write() callable, and close() at the end."""
    environ |= {"REQUEST_METHOD": method, "PATH_INFO": path.partition("?")[0]}
    environ |= {"QUERY_STRING": path.partition("?")[2], "wsgi.input": io.BytesIO(body or b"")}
    if body is not None:
        environ.setdefault("CONTENT_LENGTH", str(len(body)))
    environ.setdefault("SCRIPT_NAME", "")
    setup_testing_defaults(environ)
    head: list[tuple[str, dict[str, str]]] = []
    written: list[bytes] = []

    def start_response(status: str, fields: list[tuple[str, str]], _error: object = None) -> Any:
        head.append((status, dict(fields)))
        fields.clear()  # a server may change the list, which is why it must not be a shared one
        return written.append

    answer = application(environ, start_response)
    try:
        written.extend(answer)
    finally:
        answer.close()  # type: ignore[attr-defined]
    return *head[0], b"".join(written)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("path", PATHS)
def test_every_path_satisfies_the_validator_again_and_again(
    application: "WSGIApplication", path: str, method: str
) -> None:
    first, second = (ask(application, path, method=method) for _ in range(2))

    assert first == second
    assert first[0] == ("404 Not Found" if path == "/nowhere" else "200 OK")
    assert "Content-Type" in first[1]
    assert (first[2] == b"") == (method == "HEAD" or path == "/echo")


def test_content_length_is_the_length(application: "WSGIApplication") -> None:
    for path in ("/", "/environ", "/slow?seconds=0", "/nowhere"):
        _, fields, body = ask(application, path)

        assert fields["Content-Length"] == str(len(body))


def test_echo_answers_the_body(application: "WSGIApplication") -> None:
    body = bytes(range(256)) * 1000

    assert ask(application, "/echo", method="POST", body=body)[2] == body


def test_echo_reads_no_further_than_the_content_length(application: "WSGIApplication") -> None:
    assert ask(application, "/echo", method="POST", body=b"abcdef", CONTENT_LENGTH="3")[2] == b"abc"


@pytest.mark.parametrize(("is_terminated", "expected"), [(True, b"abc"), (False, b"")])
def test_echo_without_a_length_trusts_only_a_terminated_input(
    application: "WSGIApplication", is_terminated: bool, expected: bytes
) -> None:
    environ: dict[str, Any] = {"CONTENT_LENGTH": "", "wsgi.input_terminated": is_terminated}

    assert ask(application, "/echo", method="POST", body=b"abc", **environ)[2] == expected


def test_environ_tells_of_the_request_and_the_server(application: "WSGIApplication") -> None:
    given: dict[str, Any] = {
        "HTTP_X_NAME": "Bj\xc3\xb6rn",
        "gunwale.draining": bool,
        "HOME": "/root",
        "SCRIPT_NAME": "/mounted",
    }

    told = json.loads(ask(application, "/environ?a=1", **given)[2])

    assert told["HTTP_X_NAME"] == "Bj\xc3\xb6rn"
    assert (told["SCRIPT_NAME"], told["PATH_INFO"], told["QUERY_STRING"]) == ("/mounted", "/environ", "a=1")
    assert told["wsgi.version"] == [1, 0]
    assert not told["wsgi.multiprocess"]
    assert told["wsgi.errors"].startswith("<")
    assert "HOME" not in told


def test_slow_takes_its_time(application: "WSGIApplication") -> None:
    began = time.monotonic()

    assert ask(application, "/slow?seconds=0.1")[2] == b"slept 0.1 s\n"
    assert time.monotonic() - began >= 0.1


@pytest.mark.parametrize("seconds", ["-1", "121", "nan", "soon"])
@pytest.mark.parametrize("path", ["/slow", "/stream"])
def test_seconds_out_of_bounds_are_refused(application: "WSGIApplication", path: str, seconds: str) -> None:
    assert ask(application, f"{path}?seconds={seconds}")[0] == "400 Bad Request"


def test_stream_has_no_length(application: "WSGIApplication") -> None:
    _, fields, body = ask(application, "/stream")

    assert "Content-Length" not in fields
    assert body == b"".join(b"line %d\n" % number for number in range(10))


def test_write_comes_before_the_iterable(application: "WSGIApplication") -> None:
    assert ask(application, "/write")[2] == b"written\niterated\n"
