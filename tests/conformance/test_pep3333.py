"""What an application finds in its environ, and what the server makes of its answers."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from live import raw, read_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from served import Served, Variant


@pytest.mark.parametrize("path", ["/", "/pid", "/slow?seconds=0.1", "/download?bytes=70000", "/environ"])
def test_wsgiref_validate_is_content(variant: Variant, serve: Callable[..., Served], path: str) -> None:
    served = serve(*variant.options, app="probe:strict", workers=1)
    response = served.get(path)

    assert response.status == 200, response.text
    assert "Assertion" not in served.log_text()
    assert "Traceback" not in served.log_text()


def test_wsgiref_validate_is_content_with_an_upload(variant: Variant, serve: Callable[..., Served]) -> None:
    served = serve(*variant.options, app="probe:strict", workers=1)
    data = b"x" * 100_000

    assert served.get("/upload", method="POST", body=data).text == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("workers", [1, 2])
def test_multiprocess_and_multithread_are_told_as_they_are(
    variant: Variant, serve: Callable[..., Served], workers: int
) -> None:
    import json

    environ = json.loads(serve(*variant.options, workers=workers).get("/environ").body)

    assert environ["wsgi.multiprocess"] is (variant.workers(workers) > 1)
    assert environ["wsgi.multithread"] is (variant.worker_class != "sync")
    assert environ["wsgi.run_once"] is False
    assert environ["wsgi.version"] == [1, 0]
    assert environ["wsgi.url_scheme"] == "http"


def test_the_request_is_told_as_it_came(variant: Variant, serve: Callable[..., Served]) -> None:
    import json

    served = serve(*variant.options, workers=1)
    environ = json.loads(served.get("/environ?a=1&b=%20", headers={"X-Twice": "one", "X_Under": "no"}).body)

    assert environ["REQUEST_METHOD"] == "GET"
    assert environ["PATH_INFO"] == "/environ"
    assert environ["SCRIPT_NAME"] == ""
    assert environ["QUERY_STRING"] == "a=1&b=%20"
    assert environ["SERVER_PROTOCOL"] == "HTTP/1.1"
    assert environ["REMOTE_ADDR"] == "127.0.0.1"
    assert environ["SERVER_PORT"] == str(served.port)
    assert environ["HTTP_X_TWICE"] == "one"
    assert "HTTP_X_UNDER" not in environ, "an underscore alias of a trusted field came through"


def test_a_client_cannot_set_the_script_name(variant: Variant, serve: Callable[..., Served]) -> None:
    """Gunicorn's default lets a peer on loopback do that (forwarder_headers)."""
    import json

    served = serve(*variant.options, workers=1)
    environ = json.loads(served.get("/environ", headers={"SCRIPT_NAME": "/environ"}).body)

    assert environ["SCRIPT_NAME"] == ""


def test_a_client_cannot_choose_the_scheme_by_a_field_no_proxy_writes(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    import json

    served = serve(*variant.options, workers=1)
    for field, value in (("X-Forwarded-Ssl", "on"), ("X-Forwarded-Protocol", "ssl")):
        assert json.loads(served.get("/environ", headers={field: value}).body)["wsgi.url_scheme"] == "http"


def test_a_connection_is_kept_for_the_next_request(variant: Variant, serve: Callable[..., Served]) -> None:
    if variant.worker_class == "sync":
        return  # it closes every connection: its own documented behaviour
    served = serve(*variant.options, workers=1)
    with raw("127.0.0.1", served.port) as sock:
        for _ in range(3):
            sock.sendall(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
            assert read_response(sock).body == b"here\n"
