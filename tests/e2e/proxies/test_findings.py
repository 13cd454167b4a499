"""The seven known ways to lie to an application behind proxies, each through a real proxy.

In every test the lie is first told to the usual set-up, where it is believed, and then, through the same
proxies, to the same application served by gunwale.
"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from e2e.proxies import bed, servers
from gunwale.measure.hops_http import Asker, ways
from gunwale.serve.servers import traits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from e2e.proxies.servers import Server

    Behind = Callable[..., contextlib.AbstractContextManager[bed.Front]]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

CLIENT, PROXY, FORGED = "127.0.0.7", "127.0.0.1", "6.6.6.6"
SERVED = pytest.mark.parametrize("server", sorted(traits()))


class Seen(NamedTuple):
    """What the application sees; empty where it was not reached."""

    status: int
    environ: dict[str, Any]
    refused: str | None

    def __getitem__(self, key: Any) -> Any:
        return self.environ.get(key)


def ask(url: str, *lines: tuple[str, str], target: str = "/", host: str | None = None) -> Seen:
    with Asker(ways(url)[0], is_verified=False) as asker:
        answer = asker.ask(target, lines, source=CLIENT, host=host)
    if answer.status != 200:
        return Seen(answer.status, {}, None)
    said = json.loads(answer.body)
    return Seen(answer.status, said["raw"], said["refused"])


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificate")
    for each in (folder, *folder.parents[:2]):
        each.chmod(0o755)
    return bed.certificate(folder)


@pytest.fixture
def behind(tmp_path: Path, certificate: Path) -> Behind:
    """Run proxies in front of a server; several one after the other."""

    @contextlib.contextmanager
    def run(server: Server, *proxies: str) -> Iterator[bed.Front]:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        tmp_path.chmod(0o755)
        with bed.running(proxies, folder, certificate, server) as front:
            yield front

    return run


@SERVED
def test_1_the_number_of_proxies_is_not_the_count(behind: Behind, server: str) -> None:
    chain = ("haproxy", "haproxy-forwardfor")
    lie = ("X-Forwarded-For", FORGED)

    with behind(servers.bare("ProxyFix(x_for=2)"), *chain) as front:
        assert ask(front.http, lie)["REMOTE_ADDR"] == FORGED
    with behind(servers.gunwale(",".join(chain), server), *chain) as front:
        assert ask(front.http, lie)["REMOTE_ADDR"] == PROXY


@SERVED
def test_2_an_open_quote_does_not_make_the_client_the_proxy(behind: Behind, server: str) -> None:
    quotes = ['"', '"x', '"6.6.6.6\\']

    with behind(servers.bare("ProxyFix(x_for=1)"), "nginx-proxy-add") as front:
        assert ask(front.http)["REMOTE_ADDR"] == CLIENT
        believed = [ask(front.http, ("X-Forwarded-For", quote))["REMOTE_ADDR"] for quote in quotes]
    with behind(servers.gunwale("nginx-proxy-add", server), "nginx-proxy-add") as front:
        found = [ask(front.http, ("X-Forwarded-For", quote))["REMOTE_ADDR"] for quote in quotes]

    assert CLIENT not in believed
    assert found == [CLIENT] * len(quotes)


@SERVED
@pytest.mark.parametrize(
    ("proxy", "chain"),
    [("apache-guarded", "apache-preserve-host"), ("nginx-underscores", '[{name="nginx", for="overwrite"}]')],
)
def test_3_a_script_name_field_does_not_lead_past_the_proxys_rules(
    behind: Behind, server: str, proxy: str, chain: str
) -> None:
    lie = ("SCRIPT_NAME", "/a")

    with behind(servers.bare(), proxy) as front:
        assert ask(front.http, target="/internal/x").status == 403
        assert ask(front.http, lie, target="/a/internal/x")["PATH_INFO"] == "/internal/x"
    with behind(servers.gunwale(chain, server), proxy) as front:
        seen = ask(front.http, lie, target="/a/internal/x")
        assert (seen["SCRIPT_NAME"], seen["PATH_INFO"]) == ("", "/a/internal/x")


@SERVED
def test_4_no_client_chooses_the_scheme_or_an_error(behind: Behind, server: str) -> None:
    lies = [("X-Forwarded-Ssl", "on"), ("X-Forwarded-Protocol", "ssl")]

    with behind(servers.bare(), "haproxy-forwardfor") as front:
        assert [ask(front.http, lie)["wsgi.url_scheme"] for lie in lies] == ["https"] * 2
    with behind(servers.bare(), "haproxy-set-proto") as front:
        assert [ask(front.http, lie).status for lie in lies] == [400] * 2
    with behind(servers.gunwale("haproxy-forwardfor", server), "haproxy-forwardfor") as front:
        assert [ask(front.http, lie)["wsgi.url_scheme"] for lie in lies] == ["http"] * 2
    with behind(servers.gunwale("haproxy-set-proto", server), "haproxy-set-proto") as front:
        assert [ask(front.http, lie)["wsgi.url_scheme"] for lie in lies] == ["http"] * 2
        off = ("X-Forwarded-Ssl", "off")
        assert ask(front.https, off)["wsgi.url_scheme"] == "https"


@SERVED
def test_5_no_alias_is_taken_for_the_proxys_own_field(behind: Behind, server: str) -> None:
    lie = ("X_Forwarded_For", FORGED)
    chain = '[{name="nginx", for="overwrite"}]'

    with behind(servers.bare("ProxyFix(x_for=1)", "uwsgi"), "nginx-underscores") as front:
        assert ask(front.http, lie)["REMOTE_ADDR"] == FORGED
    with behind(servers.gunwale(chain, server), "nginx-underscores") as front:
        assert ask(front.http, lie)["REMOTE_ADDR"] == CLIENT


def test_5_what_uwsgi_believes_of_everyone_gunwales_middleware_does_not(behind: Behind) -> None:
    alias, scheme = ("X_Forwarded_For", FORGED), ("X-Forwarded-Proto", "https")

    with behind(servers.bare("ProxyFix(x_for=1, x_proto=0)", "uwsgi"), "haproxy-forwardfor") as front:
        assert ask(front.http, scheme)["wsgi.url_scheme"] == "https"
    with behind(servers.bare("Forwarded(x_for=1, x_proto=0)", "uwsgi"), "haproxy-forwardfor") as front:
        assert ask(front.http, scheme)["wsgi.url_scheme"] == "http"
        seen = ask(front.http, alias)

    assert seen["REMOTE_ADDR"] == PROXY
    assert seen.refused == "this server takes X_Forwarded_For for X-Forwarded-For"


@SERVED
def test_6_what_a_client_had_removed_makes_no_room_for_its_own(behind: Behind, server: str) -> None:
    lies = [("Connection", "close, X-Forwarded-Proto"), ("X-Forwarded-Ssl", "on")]

    with behind(servers.bare("ProxyFix(x_for=1, x_proto=1)"), "apache-preserve-host") as front:
        assert ask(front.http)["wsgi.url_scheme"] == "http"
        assert ask(front.http, *lies)["wsgi.url_scheme"] == "https"
    with behind(servers.gunwale("apache-preserve-host", server), "apache-preserve-host") as front:
        assert ask(front.https)["wsgi.url_scheme"] == "https"
        seen = ask(front.http, *lies)

    assert seen["wsgi.url_scheme"] == "http"
    assert seen["REMOTE_ADDR"] == CLIENT
    assert seen.refused == "X-Forwarded-Proto: 0 of 1 values"


@SERVED
def test_6_who_hides_behind_the_proxy_is_marked(behind: Behind, server: str) -> None:
    lie = ("Connection", "close, X-Forwarded-For")
    chain = ("haproxy-set-proto", "caddy-trusted")

    with behind(servers.bare("ProxyFix(x_for=2)"), *chain) as front:
        assert ask(front.http)["REMOTE_ADDR"] == CLIENT
        assert ask(front.http, lie)["REMOTE_ADDR"] == PROXY
    with behind(servers.gunwale(",".join(chain), server), *chain) as front:
        assert ask(front.http)["REMOTE_ADDR"] == CLIENT
        assert ask(front.http, lie).refused == "X-Forwarded-For: 1 of 2 values"


@SERVED
@pytest.mark.parametrize("proxy", ["haproxy-set-proto", "envoy-edge"])
def test_7_host_and_prefix_are_not_taken_where_no_proxy_writes_them(
    behind: Behind, server: str, proxy: str
) -> None:
    lies = [("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Prefix", "//evil.example")]

    with behind(servers.bare("ProxyFix(x_for=1, x_proto=1, x_host=1, x_prefix=1)"), proxy) as front:
        seen = ask(front.http, *lies, host="shop.example")
        assert (seen["HTTP_HOST"], seen["SCRIPT_NAME"]) == ("evil.example", "//evil.example")
    with behind(servers.gunwale(proxy, server), proxy) as front:
        seen = ask(front.http, *lies, host="shop.example")
        assert (seen["HTTP_HOST"], seen["SCRIPT_NAME"]) == ("shop.example", "")
