"""Trusted hosts, for an application that is not Flask's, judged as Werkzeug does."""

from __future__ import annotations

import pytest

from gateway import ask, hello, wrapped
from gunwale.runtime.hosts import host_test

TRUSTED = ["shop.example", ".cdn.example", "[2001:db8::1]"]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("shop.example", 200),
        ("shop.example:8443", 200),
        ("cdn.example", 200),
        ("a.b.cdn.example", 200),
        ("www.shop.example", 400),
        ("evilcdn.example", 400),
        ("evil.example", 400),
        ("shop.example.evil.example", 400),
        ("evil.example/.cdn.example", 400),
        ("evil example", 400),
        ("", 400),
    ],
)
def test_a_leading_dot_takes_in_subdomains_and_ports_do_not_matter(host: str, status: int) -> None:
    application = wrapped(hello, security__trusted_hosts=TRUSTED)

    assert [ask(application, HTTP_HOST=host).code for _ in range(2)] == [status, status]


def test_the_refusal_does_not_repeat_the_host() -> None:
    answer = ask(wrapped(hello, security__trusted_hosts=TRUSTED), HTTP_HOST="evil.example")

    assert b"evil" not in answer.body
    assert answer["Content-Length"] == str(len(answer.body))


def test_a_refused_head_has_no_body() -> None:
    application = wrapped(hello, security__trusted_hosts=TRUSTED)

    assert ask(application, HTTP_HOST="evil.example", REQUEST_METHOD="HEAD").body == b""


def test_without_trusted_hosts_any_host_is_served() -> None:
    assert ask(wrapped(hello), HTTP_HOST="any.example").code == 200


def test_the_host_that_counts_is_the_one_the_chain_forwarded() -> None:
    application = wrapped(hello, security__trusted_hosts=TRUSTED, proxies__hops={"x_host": 1})

    assert ask(application, HTTP_HOST="10.0.0.1", HTTP_X_FORWARDED_HOST="shop.example").code == 200
    assert ask(application, HTTP_HOST="shop.example", HTTP_X_FORWARDED_HOST="evil.example").code == 400


def test_subdomains_are_not_remembered_without_limit() -> None:
    is_trusted = host_test([".cdn.example"])

    assert all(is_trusted({"HTTP_HOST": f"{n}.cdn.example", "wsgi.url_scheme": "http"}) for n in range(1100))
    kept = is_trusted.__closure__
    assert kept is not None
    assert max(len(cell.cell_contents) for cell in kept if isinstance(cell.cell_contents, set)) <= 1024
