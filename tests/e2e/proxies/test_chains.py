"""Real proxies, alone and in chains: what ``gunwale hops`` measures is what the declared layers come to."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from e2e.proxies import bed, servers
from gunwale.errors import StartError
from gunwale.measure.hops import Request, measure
from gunwale.measure.hops_verdict import Verdict
from gunwale.plan import chain, trust
from gunwale.plan.layers import FIELDS

if TYPE_CHECKING:
    from pathlib import Path

    from gunwale.measure.hops_report import Result

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

ALONE = (
    "nginx",
    "nginx-proxy-add",
    "nginx-overwrite",
    "nginx-real-ip",
    "nginx-drop",
    "caddy",
    "caddy-trusted",
    "envoy",
    "envoy-edge",
    "envoy-trusted-hops",
    "traefik",
    "traefik-trusted",
    "traefik-insecure",
    "haproxy",
    "haproxy-forwardfor",
    "haproxy-forwardfor-if-none",
    "haproxy-set-proto",
    "apache",
    "apache-preserve-host",
    "apache-no-headers",
    "apache-remoteip",
)
TWO = (
    ("nginx-proxy-add", "nginx-proxy-add"),
    ("caddy", "caddy"),
    ("caddy", "caddy-trusted"),
    ("haproxy-forwardfor", "nginx-proxy-add"),
    ("haproxy-set-proto", "caddy-trusted"),
    ("haproxy-set-proto", "apache-remoteip"),
    ("haproxy-set-proto", "apache"),
    ("haproxy-set-proto", "traefik-trusted"),
    ("haproxy", "haproxy-forwardfor"),
    ("haproxy", "nginx-overwrite"),
    ("nginx-drop", "caddy-trusted"),
    ("nginx-drop", "traefik-trusted"),
    ("envoy-edge", "envoy"),
    ("envoy-edge", "envoy-trusted-hops"),
    ("envoy-edge", "apache-no-headers"),
    ("traefik", "traefik-trusted"),
    ("apache", "apache"),
    ("nginx-overwrite", "nginx-real-ip"),
    ("nginx-overwrite", "haproxy"),
    ("caddy", "haproxy-forwardfor-if-none"),
)
THREE = (
    ("caddy", "caddy-trusted", "caddy-trusted"),
    ("haproxy-set-proto", "envoy-trusted-hops", "nginx"),
    ("traefik", "nginx", "caddy-trusted"),
    ("nginx-proxy-add", "haproxy-forwardfor", "traefik-trusted"),
    ("envoy-edge", "haproxy", "apache"),
    ("haproxy-forwardfor", "nginx-real-ip", "caddy-trusted"),
)
CHAINS = (*((name,) for name in ALONE), *TWO, *THREE)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificate")
    for each in (folder, *folder.parents[:2]):
        each.chmod(0o755)
    return bed.certificate(folder)


def measured(front: bed.Front, **more: object) -> Result:
    request = Request(url=f"{front.https}/", doors=(f"{front.http}/",), is_insecure=True)
    return measure(request._replace(**more))  # type: ignore[arg-type]


def declared(names: tuple[str, ...]) -> dict[str, int]:
    layers = chain.layers(names)
    counts = {name: chain.counts(layers).get(name, 0) for name in chain.COUNTED}
    if trust.inner_scheme(layers):
        # No TLS between these layers: the plan says whose scheme it is, the measurement that it is not ours.
        counts["proto"] = 0
    # No part of the path is taken off: the prefix is written, if at all, for nothing.
    counts["prefix"] = 0
    return counts


# What a prober sees of an operation; of "resolve" it depends on who asks.
MODES = {
    "append": "appended",
    "overwrite": "overwritten",
    "pass": "passed",
    "drop": "absent",
    "if-absent": "if-none",
    "last": "if-none",
}
NAMES = {"forwarded": "forwarded", "real_ip": "x-real-ip", "request_id": "x-request-id"}


def modes(name: str) -> dict[str, str]:
    (layer,) = chain.layers([name])
    operations = {NAMES.get(field, f"x-forwarded-{field}"): layer.operation(field) for field in FIELDS}
    return {field: MODES[each] for field, each in operations.items() if each in MODES}


def removable(names: tuple[str, ...]) -> set[str]:
    layers = chain.layers(names)
    found = {name: chain.removal(layers, name) for name in ("for", "proto")}
    return {f"x-forwarded-{name}" for name, each in found.items() if each and not each.is_replaced}


@pytest.mark.parametrize("names", CHAINS, ids=" → ".join)
def test_hops_measures_what_the_declared_layers_come_to(
    names: tuple[str, ...], tmp_path: Path, certificate: Path
) -> None:
    server = servers.waitress if len(names) == 2 else servers.gunicorn
    with bed.running(names, tmp_path, certificate, server) as front:
        result = measured(front)

    assert result.undecided == ()
    assert {name.removeprefix("x_"): count for name, count in result.counts.items()} == declared(names)
    assert {each.name for each in result.judgements if each.removable} == removable(names)
    if len(names) == 1:
        measured_modes = {each.name: each.mode for each in result.judgements}
        assert measured_modes | modes(*names) == measured_modes
    for each in result.judgements:
        if each.verdict is Verdict.PROVEN:
            assert 1 <= each.hops <= each.trusted


def test_a_door_past_the_proxy_makes_every_count_unsafe(tmp_path: Path, certificate: Path) -> None:
    with bed.running(("caddy",), tmp_path, certificate) as front:
        result = measured(front, doors=(f"{front.http}/", f"{front.server}/"))

    verdicts = {each.name: each.verdict for each in result.judgements}
    assert verdicts["x-forwarded-for"] is Verdict.UNSAFE
    assert result.counts["x_for"] == 0
    assert result.exit_code == 1
    assert "direct" in result.doors[-1].state
    assert any(front.server in command and "X-Forwarded-For" in command for command in result.spoofs)


def test_the_snippet_of_flask_behind_haproxy_is_unsafe_with_the_curl_that_spoofs(
    tmp_path: Path, certificate: Path
) -> None:
    everything = {"x_for": 1, "x_proto": 1, "x_host": 1, "x_port": 0, "x_prefix": 1}
    with bed.running(("haproxy-set-proto",), tmp_path, certificate) as front:
        result = measured(front, configured=everything)

    verdicts = {each.name: each.verdict for each in result.judgements}
    assert verdicts["x-forwarded-for"] is Verdict.PROVEN
    assert verdicts["x-forwarded-proto"] is Verdict.PROVEN
    assert verdicts["x-forwarded-host"] is Verdict.UNSAFE
    assert verdicts["x-forwarded-prefix"] is Verdict.UNSAFE
    assert {"X-Forwarded-Host", "X-Forwarded-Prefix"} <= {
        word.partition(":")[0] for command in result.spoofs for word in command.split("'")
    }


def test_what_only_http2_lets_through_is_found(
    tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bed.running(("nginx-http2-believed",), tmp_path, certificate) as front:
        result = measured(front, doors=())
        monkeypatch.setitem(sys.modules, "h2", None)
        without = measured(front, doors=())

    assert result.protocols == ("HTTP/1.1", "HTTP/2")
    assert {each.name: each.trusted for each in result.judgements}["x-forwarded-for"] == 0
    assert result.exit_code == 1
    assert any("--http2 " in command for command in result.spoofs)
    assert without.protocols == ("HTTP/1.1",)
    assert without.counts["x_for"] == 1
    assert any("was not looked at: install gunwale[measure]" in note for note in without.notes)


def test_a_certificate_nobody_vouches_for_is_said_so_and_believed_only_when_told(
    tmp_path: Path, certificate: Path
) -> None:
    with bed.running(("caddy",), tmp_path, certificate) as front:
        with pytest.raises(StartError, match="the certificate is not trusted") as caught:
            measured(front, is_insecure=False)
        assert measured(front, doors=()).counts["x_for"] == 1

    assert caught.value.exit_code == 3
