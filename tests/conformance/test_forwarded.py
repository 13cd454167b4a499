"""The forwarded fields behind a declared chain and without one: read once, by gunwale's own parser."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from served import Served, Variant

CHAIN = 'proxies.chain=[{name="ours", for="append", proto="overwrite"}]'
FIELDS = {
    "X-Forwarded-For": "6.6.6.6, 203.0.113.9",
    "X-Forwarded-Proto": "https",
    "X_Forwarded_For": "7.7.7.7",
}


def environ(served: Served) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(served.get("/environ", headers=FIELDS).body)
    return found


def test_the_declared_chains_values_are_taken_and_the_clients_are_not(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    found = environ(serve(*variant.options, "--set", CHAIN, workers=1))

    assert found["REMOTE_ADDR"] == "203.0.113.9"
    assert found["wsgi.url_scheme"] == "https"


def test_without_a_chain_they_reach_the_application_untouched(
    variant: Variant, serve: Callable[..., Served]
) -> None:
    """The application's own ProxyFix needs them: Waitress ≥ 3.0 alone takes them away."""
    found = environ(serve(*variant.options, workers=1))

    assert found["REMOTE_ADDR"] == "127.0.0.1"
    assert found["HTTP_X_FORWARDED_FOR"] == "6.6.6.6, 203.0.113.9"
    assert found["HTTP_X_FORWARDED_PROTO"] == "https"
