"""deploy/Caddyfile: one site, its certificates automatic, the fields that Caddy leaves to clients cleaned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.errors import ConfigurationError, Problem
from gunwale.plan import chain
from gunwale.render import front
from gunwale.render.artifact import Artifact
from gunwale.render.words import number, told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.render.deployment import Deployment
    from gunwale.render.front import Front

PATHS = ("deploy/Caddyfile",)
NEEDS = ("none", "host", "docker")
# What reverse_proxy writes by itself where its peer is no trusted proxy.
_ITS_OWN = {"for", "proto", "host"}
_WRITES = {
    "port": "{http.request.port}",
    "real_ip": "{http.request.remote.host}",
    "request_id": "{http.request.uuid}",
}


def fits(deployment: Deployment) -> bool:
    """Whether Caddy is the last layer of the chain, and ours to configure."""
    layers = chain.layers(deployment.plan.proxies.chain)
    return bool(layers) and layers[-1].name == "caddy" and deployment.plan.rollout.platform in NEEDS


def render(deployment: Deployment) -> list[Artifact]:
    """Render the Caddyfile."""
    found = front.find(deployment, "caddy", "caddy")
    if not found.is_edge:
        message = "proxies.chain: another layer stands before caddy, and nothing says from which addresses"
        hint = "let Caddy be the first layer, or write its trusted_proxies yourself"
        raise ConfigurationError(Problem(where="gunwale render caddy", message=message, hint=hint))
    lines = [*_global(deployment), "", *_site(deployment, found)]
    return [Artifact(target="caddy", path=PATHS[0], body="\n".join(lines))]


def _global(deployment: Deployment) -> Iterator[str]:
    yield "{"
    yield from told(deployment.because("serve.request_timeout"), "\t")
    yield "\t# Caddy waits for ever by default, and old connections would keep the old configuration."
    yield f"\tgrace_period {number(deployment.plan.serve.request_timeout)}s"
    yield "\t# >>> yours: options"
    yield "\t# <<< yours: options"
    yield "}"


def _site(deployment: Deployment, found: Front) -> Iterator[str]:
    layer = found.layer
    scheme = "" if found.has_tls else "http://"
    sites = [f"{scheme}{name}" for name in _names(deployment)]
    yield from told(deployment.because("security.trusted_hosts"))
    yield f"{', '.join(sites) or ':80'} {{"
    if layer.max_body is not None:
        yield "\trequest_body {"
        yield f"\t\t# max_body of the layer {layer.name}"
        yield f"\t\tmax_size {layer.max_body}"
        yield "\t}"
    yield f"\treverse_proxy {_upstream(deployment)} {{"
    yield from told(deployment.because("proxies.chain"), "\t\t")
    yield from told(f"The application reads by: {front.story(deployment)}", "\t\t")
    yield from _fields(found)
    yield "\t\ttransport http {"
    yield from told(deployment.because("serve.keepalive"), "\t\t\t")
    if layer.idle_timeout is not None:
        idle = number(layer.idle_timeout)
        yield f"\t\t\t# {layer.name} closes idle connections after {idle} s, before the application does."
        yield f"\t\t\tkeepalive {idle}s"
    if layer.response_timeout is not None:
        yield f"\t\t\t# response_timeout of the layer {layer.name}"
        yield f"\t\t\tresponse_header_timeout {number(layer.response_timeout)}s"
    yield "\t\t}"
    yield "\t}"
    yield "\t# >>> yours: site"
    yield "\t# <<< yours: site"
    yield "}"


def _names(deployment: Deployment) -> Iterator[str]:
    given = deployment.plan.security.trusted_hosts or ()
    for name in given:
        if not name.startswith("."):
            yield name
            continue
        if name[1:] not in given:
            yield name[1:]
        yield f"*{name}"  # its certificate needs the DNS challenge, which is the user's to configure


def _upstream(deployment: Deployment) -> str:
    found = front.upstream(deployment)
    return f"unix/{found.removeprefix('unix:')}" if found.startswith("unix:") else found


def _fields(found: Front) -> Iterator[str]:
    for name, operation in found.operations.items():
        field = front.NAMES[name]
        if name in _ITS_OWN and operation == "overwrite":
            continue
        if operation == "overwrite" and name in _WRITES:
            yield f"\t\theader_up {field} {_WRITES[name]}"
        elif operation == "drop":
            yield f"\t\theader_up -{field}"
        else:
            message = f"proxies.chain: {found.layer.name}: nothing of Caddy's does {operation!r} to {field}"
            raise ConfigurationError(
                Problem(where="gunwale render caddy", message=message, hint='write "caddy"')
            )
