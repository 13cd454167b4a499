from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gunwale.errors import ConfigurationError

if TYPE_CHECKING:
    from unit.render.conftest import Text

NGINX = "proxies.chain=[{name='nginx-overwrite', tls=true}]"
CADDY = "proxies.chain=[{name='caddy', tls=true}]"
HOSTS = "security.trusted_hosts=['shop.example', '.shop.example']"
# What a client may not choose, and no layer writes.
CLIENTS = ("X-Forwarded-Host", "X-Forwarded-Prefix", "Forwarded")


def _fields(found: str) -> dict[str, str]:
    lines = [line.strip().removesuffix(";") for line in found.splitlines()]
    words = [line.split(maxsplit=2) for line in lines if line.startswith("proxy_set_header ")]
    return {name: value for _, name, value in words}


def test_the_first_nginx_overwrites_and_cleans_every_forwarded_field(text: Text) -> None:
    fields = _fields(text("nginx", NGINX, HOSTS))

    assert fields["X-Forwarded-For"] == "$remote_addr"
    assert fields["X-Forwarded-Proto"] == "$scheme"
    assert fields["X-Request-ID"] == "$request_id"
    assert fields["Host"] == "$http_host"
    assert [fields[name] for name in CLIENTS] == ['""'] * 3


def test_an_inner_nginx_does_what_the_chain_says(text: Text) -> None:
    inner = "{name='nginx', for='append', proto='pass', keeps_host=true}"
    fields = _fields(text("nginx", f"proxies.chain=['alb', {inner}]"))

    assert fields["X-Forwarded-For"] == "$proxy_add_x_forwarded_for"
    assert "X-Forwarded-Proto" not in fields


def test_an_inner_nginx_removes_what_no_layer_before_it_writes(text: Text) -> None:
    fields = _fields(text("nginx", "proxies.chain=['alb', {name='nginx-overwrite', tls=false}]"))

    assert [fields[name] for name in CLIENTS] == ['""'] * 3
    # Where an earlier layer writes it, or may, it is handed on.
    gateway = _fields(text("nginx", "proxies.chain=['api-gateway-http', 'nginx-overwrite']"))
    assert "Forwarded" not in gateway
    unknown = _fields(text("nginx", "proxies.chain=['app-runner', 'nginx-overwrite']"))
    assert "X-Forwarded-Host" not in unknown


def test_what_nginx_cannot_do_is_refused(text: Text) -> None:
    inner = "{name='nginx', for='last', keeps_host=true}"

    with pytest.raises(ConfigurationError, match="nothing of nginx's does 'last' to X-Forwarded-For"):
        text("nginx", f"proxies.chain=['alb', {inner}]")


def test_the_times_of_nginx_are_those_of_its_layer(text: Text) -> None:
    layer = "{name='nginx-overwrite', tls=true, idle_timeout='40s', response_timeout='45s', max_body='8MiB'}"
    found = text("nginx", f"proxies.chain=[{layer}]", HOSTS)

    assert "    keepalive_timeout 40s;\n" in found
    assert "    proxy_read_timeout 45s;\n" in found
    assert "    client_max_body_size 8388608;\n" in found
    assert "# serve.keepalive 55: above the 40 s after which nginx-overwrite closes, by 15 s\n" in found


def test_nginx_names_each_host_once(text: Text) -> None:
    assert "    server_name .shop.example;\n" in text("nginx", NGINX, HOSTS)


def test_in_compose_the_application_is_found_by_its_name_again_and_again(text: Text) -> None:
    found = text("nginx", NGINX, HOSTS, "rollout.platform=docker")

    assert "    server app:8000 resolve max_fails=0;\n" in found
    assert "    server 127.0.0.1:8000 max_fails=0;\n" in text("nginx", NGINX, HOSTS)


@pytest.mark.parametrize("target", ["nginx", "caddy"])
@pytest.mark.parametrize(
    ("sets", "message"),
    [
        ([], "no chain is declared"),
        (["proxies.chain=['alb']"], "the last layer of the chain is alb"),
        (["proxies.chain=[{name='caddy', tls=true}, 'alb']"], "the last layer of the chain is alb"),
    ],
)
def test_a_front_that_is_not_in_the_chain_is_refused(
    text: Text, target: str, sets: list[str], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        text(target, *sets)


@pytest.mark.parametrize(("target", "layer"), [("nginx", "nginx-overwrite"), ("caddy", "caddy")])
def test_what_the_plan_does_not_tell_is_asked_for(text: Text, target: str, layer: str) -> None:
    with pytest.raises(ConfigurationError, match=f"does {layer} end TLS"):
        text(target, f"proxies.chain=['{layer}']", HOSTS)
    with pytest.raises(ConfigurationError, match="needs a host name"):
        text(target, f"proxies.chain=[{{name='{layer}', tls=true}}]")


def test_a_front_without_tls_listens_on_http_only(text: Text) -> None:
    assert "ssl" not in text("nginx", "proxies.chain=[{name='nginx-overwrite', tls=false}]", HOSTS)
    found = text("caddy", "proxies.chain=[{name='caddy', tls=false}]", HOSTS)

    assert "\nhttp://shop.example, http://*.shop.example {\n" in found


def test_nginx_that_replaces_host_is_refused(text: Text) -> None:
    with pytest.raises(ConfigurationError, match="replaces Host"):
        text("nginx", "proxies.chain=[{name='nginx-proxy-add', tls=true}]", HOSTS)


def test_caddy_cleans_what_it_would_let_through(text: Text) -> None:
    found = text("caddy", CADDY, HOSTS)

    for field in ("X-Forwarded-Port", "X-Forwarded-Prefix", "Forwarded", "X-Real-IP", "X-Request-ID"):
        assert f"\t\theader_up -{field}\n" in found
    assert "\nshop.example, *.shop.example {\n" in found
    assert "\tgrace_period 30s\n" in found
    assert "\t\t\tkeepalive 120s\n" in found


def test_a_unix_socket_is_reached_by_both(text: Text) -> None:
    bind = "serve.bind=unix:/run/shop/web.sock"

    assert "    server unix:/run/shop/web.sock max_fails=0;\n" in text("nginx", NGINX, HOSTS, bind)
    assert "\treverse_proxy unix//run/shop/web.sock {\n" in text("caddy", CADDY, HOSTS, bind)
