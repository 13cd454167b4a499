"""The seven known ways to lie to an application behind proxies, at the level of the environ.

Each is shown to work against what people use today, where it is that level's to show, and not to work here.
"""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Request

from gateway import environ_of
from gunwale.plan import chain
from gunwale.runtime.forwarded import REFUSED, resolver
from gunwale.runtime.settings import Hops, Settings


def through_gunwale(hops: Hops, **environ: Any) -> dict[str, Any]:
    result = environ_of(**environ)
    resolver(hops, Settings().networks)(result)
    return result


def through_proxy_fix(hops: Hops, **environ: Any) -> dict[str, Any]:
    result = environ_of(**environ)
    ProxyFix(lambda *_: [], *hops[:5])(result, lambda *_: lambda _: None)
    return result


def hops_of(*layers: str) -> Hops:
    return Hops(**(chain.hops(chain.layers(layers)) or {}))


def test_1_the_number_of_proxies_is_not_taken_for_the_count() -> None:
    # Two proxies, and the second one overwrites: the "2" of the number of proxies is the client's own text.
    forged: dict[str, Any] = {"HTTP_X_FORWARDED_FOR": "6.6.6.6, 198.51.100.7"}

    assert through_proxy_fix(Hops(x_for=2), **forged)["REMOTE_ADDR"] == "6.6.6.6"
    assert hops_of("haproxy", "haproxy-forwardfor").x_for == 0
    assert through_gunwale(hops_of("haproxy", "haproxy-forwardfor"), **forged)["REMOTE_ADDR"] == "10.0.0.7"


@pytest.mark.parametrize("quote", ['"', '"x', '"6.6.6.6\\'])
def test_2_an_open_quote_does_not_make_every_client_the_proxy(quote: str) -> None:
    forged: dict[str, Any] = {"HTTP_X_FORWARDED_FOR": f"{quote}, 203.0.113.9"}

    assert through_proxy_fix(Hops(x_for=1), **forged)["REMOTE_ADDR"] != "203.0.113.9"
    assert through_gunwale(Hops(x_for=1), **forged)["REMOTE_ADDR"] == "203.0.113.9"


@pytest.mark.parametrize("hops", [Hops(), Hops(x_for=1), Hops(x_prefix=1)])
def test_3_a_script_name_field_does_not_lead_past_the_proxys_rules(hops: Hops) -> None:
    # As Gunicorn hands over "GET /a/internal/x" with "SCRIPT_NAME: /a" from a trusted peer.
    environ = through_gunwale(
        hops,
        SCRIPT_NAME="/a",
        PATH_INFO="/internal/x",
        HTTP_SCRIPT_NAME="/a",
        HTTP_X_FORWARDED_FOR="203.0.113.9",
    )

    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("", "/a/internal/x")


def test_3_a_mount_point_of_the_server_itself_stays() -> None:
    environ = through_gunwale(Hops(), SCRIPT_NAME="/shop", PATH_INFO="/x", HTTP_SCRIPT_NAME="/other")

    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("/shop", "/x")


@pytest.mark.parametrize(
    "field",
    [
        {"HTTP_X_FORWARDED_SSL": "on"},
        {"HTTP_X_FORWARDED_PROTOCOL": "ssl"},
        {"HTTP_X_FORWARDED_PROTO": "https"},
        {"HTTP_X_FORWARDED_PROTO": "http, https"},
    ],
)
@pytest.mark.parametrize("peer", ["10.0.0.7", "198.51.100.1"])
def test_4_and_5_no_client_chooses_the_scheme(field: dict[str, Any], peer: str) -> None:
    # As Gunicorn (trusted peer) and uWSGI (any peer, verbatim) hand it over where no proxy writes a scheme.
    scheme: dict[str, Any] = {"wsgi.url_scheme": field.get("HTTP_X_FORWARDED_PROTO", "https")}

    environ = through_gunwale(Hops(x_for=1), REMOTE_ADDR=peer, **field, **scheme)

    assert environ["wsgi.url_scheme"] == "http"


def test_5_a_scheme_that_is_none_is_not_believed() -> None:
    scheme: dict[str, Any] = {"wsgi.url_scheme": "http, https"}

    assert through_gunwale(Hops(x_for=1), **scheme)["wsgi.url_scheme"] == "http"


def test_4_a_servers_own_tls_is_believed() -> None:
    scheme: dict[str, Any] = {"wsgi.url_scheme": "https"}

    assert through_gunwale(Hops(x_for=1), **scheme)["wsgi.url_scheme"] == "https"


@pytest.mark.parametrize(
    "server",
    [
        {"SERVER_SOFTWARE": "Granian/2.8.7"},
        {"SERVER_SOFTWARE": "Cheroot/11.1.2"},
        {"uwsgi.version": b"2.0.30"},
    ],
)
def test_5_where_underscore_aliases_may_be_merged_no_value_is_believed(server: dict[str, Any]) -> None:
    environ = through_gunwale(Hops(x_for=1), HTTP_X_FORWARDED_FOR="203.0.113.9, 6.6.6.6", **server)

    assert environ["REMOTE_ADDR"] == "10.0.0.7"
    assert environ[REFUSED] == "this server takes X_Forwarded_For for X-Forwarded-For"


def test_6_a_field_that_a_client_had_removed_is_missed_and_said_so() -> None:
    # "Connection: close, X-Forwarded-Proto" makes Apache drop what RequestHeader had set.
    removed: dict[str, Any] = {"HTTP_X_FORWARDED_SSL": "on", "wsgi.url_scheme": "https"}

    environ = through_gunwale(hops_of("apache-preserve-host"), HTTP_X_FORWARDED_FOR="203.0.113.9", **removed)

    assert environ["REMOTE_ADDR"] == "203.0.113.9"
    assert environ["wsgi.url_scheme"] == "http"
    assert environ[REFUSED] == "X-Forwarded-Proto: 0 of 1 values"


@pytest.mark.parametrize("layer", ["alb", "haproxy-forwardfor", "heroku", "cloudflare", "google-lb"])
def test_7_host_and_prefix_are_not_taken_where_no_layer_writes_them(layer: str) -> None:
    forged: dict[str, Any] = {
        "HTTP_HOST": "shop.example",
        "HTTP_X_FORWARDED_FOR": "203.0.113.9, 198.51.100.2",
        "HTTP_X_FORWARDED_PROTO": "https",
        "HTTP_X_FORWARDED_HOST": "evil.example",
        "HTTP_X_FORWARDED_PREFIX": "//evil.example",
    }
    snippet = Hops(x_for=1, x_proto=1, x_host=1, x_prefix=1)

    assert Request(through_proxy_fix(snippet, **forged)).host == "evil.example"
    request = Request(through_gunwale(hops_of(layer), **forged))
    assert request.host == "shop.example"
    assert request.root_path == ""
