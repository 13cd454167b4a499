"""deploy/nginx.conf: one site, TLS where the plan says so, every forwarded field as the chain declares it."""

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

PATHS = ("deploy/nginx.conf",)
NEEDS = ("none", "host", "docker")
_WRITES = {
    "for": "$remote_addr",
    "proto": "$scheme",
    "host": "$http_host",
    "port": "$server_port",
    "real_ip": "$remote_addr",
    "request_id": "$request_id",
}
_KEPT_CONNECTIONS = 32


def fits(deployment: Deployment) -> bool:
    """Whether nginx is the last layer of the chain, and ours to configure."""
    layers = chain.layers(deployment.plan.proxies.chain)
    return (
        bool(layers) and front.is_product(layers[-1], "nginx") and deployment.plan.rollout.platform in NEEDS
    )


def render(deployment: Deployment) -> list[Artifact]:
    """Render the site."""
    found = front.find(deployment, "nginx", "nginx-overwrite")
    lines = [*_upstream(deployment, found), "", *_servers(deployment, found)]
    return [Artifact(target="nginx", path=PATHS[0], body="\n".join(lines))]


def _upstream(deployment: Deployment, found: Front) -> Iterator[str]:
    name = deployment.plan.name
    yield f"# Included in the http block: /etc/nginx/conf.d/{name}.conf."
    yield "upstream application {"
    yield from told(deployment.because("serve.bind"), "    ")
    yield "    # One address, never taken out for a while: there is no other to go to."
    if deployment.plan.rollout.platform == "docker":
        yield "    # Docker's own resolver: a new container has another address (nginx 1.27.3)."
        yield "    zone application 64k;"
        yield "    resolver 127.0.0.11 valid=1s;"
        yield f"    server {front.upstream(deployment)} resolve max_fails=0;"
    else:
        yield f"    server {front.upstream(deployment)} max_fails=0;"
    yield from told(deployment.because("serve.keepalive"), "    ")
    if found.layer.idle_timeout is not None:
        idle = number(found.layer.idle_timeout)
        yield f"    # {found.layer.name} closes idle connections after {idle} s, before the application does."
        yield f"    keepalive {_KEPT_CONNECTIONS};"
        yield f"    keepalive_timeout {idle}s;"
    yield "}"


def _servers(deployment: Deployment, found: Front) -> Iterator[str]:
    names = _names(deployment)
    if names:
        yield from _nobody(found)
    if found.has_tls:
        yield from _to_https(names)
    yield from told(deployment.because("security.trusted_hosts"))
    yield "server {"
    if found.has_tls:
        certificate = f"/etc/letsencrypt/live/{names[0].removeprefix('.')}"
        yield "    listen 443 ssl;"
        yield "    listen [::]:443 ssl;"
        yield f"    ssl_certificate {certificate}/fullchain.pem;"
        yield f"    ssl_certificate_key {certificate}/privkey.pem;"
        yield "    ssl_protocols TLSv1.2 TLSv1.3;"
        yield "    ssl_session_cache shared:tls:10m;"
        yield "    ssl_session_tickets off;"
    else:
        yield "    listen 80;"
        yield "    listen [::]:80;"
    if names:
        yield f"    server_name {' '.join(names)};"
    yield from _limits(deployment, found)
    yield from _location(deployment, found)
    yield "    # >>> yours: server (static files, redirects, certificates)"
    yield "    # <<< yours: server"
    yield "}"


def _names(deployment: Deployment) -> list[str]:
    given = deployment.plan.security.trusted_hosts or ()
    return [name for name in given if f".{name}" not in given]  # ".x" is x and every name below it


def _nobody(found: Front) -> Iterator[str]:
    yield "# Whoever asks for another name gets nothing: no other Host reaches the application."
    yield "server {"
    yield "    listen 80 default_server;"
    yield "    listen [::]:80 default_server;"
    if found.has_tls:
        yield "    listen 443 ssl default_server;"
        yield "    listen [::]:443 ssl default_server;"
        yield "    ssl_reject_handshake on;"
    yield "    server_name _;"
    yield "    return 444;"
    yield "}"
    yield ""


def _to_https(names: list[str]) -> Iterator[str]:
    yield "server {"
    yield "    listen 80;"
    yield "    listen [::]:80;"
    yield f"    server_name {' '.join(names)};"
    yield "    location /.well-known/acme-challenge/ {"
    yield "        root /var/www/html;"
    yield "    }"
    yield "    location / {"
    yield "        return 308 https://$host$request_uri;"
    yield "    }"
    yield "}"
    yield ""


def _limits(deployment: Deployment, found: Front) -> Iterator[str]:
    layer = found.layer
    if layer.max_body is not None:
        yield f"    # max_body of the layer {layer.name}: a longer request is answered 413."
        yield f"    client_max_body_size {layer.max_body};"
    if layer.response_timeout is not None:
        patience = number(layer.response_timeout)
        yield from told(
            f"response_timeout of the layer {layer.name} {patience}, request_timeout "
            f"{number(deployment.plan.serve.request_timeout)}: the application should give up first",
            "    ",
        )
        yield f"    proxy_read_timeout {patience}s;"
        yield f"    proxy_send_timeout {patience}s;"
    if layer.buffers is not None:
        yield f"    # buffers of the layer {layer.name}: is a request read whole before it is sent on?"
        yield f"    proxy_request_buffering {'on' if layer.buffers else 'off'};"
    yield "    # A field with an underscore is another's twin in a WSGI environ."
    yield "    underscores_in_headers off;"


def _location(deployment: Deployment, found: Front) -> Iterator[str]:
    yield ""
    yield "    location / {"
    yield "        proxy_pass http://application;"
    yield "        proxy_http_version 1.1;"
    yield '        proxy_set_header Connection "";'
    yield "        proxy_set_header Host $http_host;"
    yield from told(deployment.because("proxies.chain"), "        ")
    yield from told(f"The application reads by: {front.story(deployment)}", "        ")
    for name, operation in found.operations.items():
        yield from _field(found, name, operation)
    yield "        # There is one address, and a POST must not run twice."
    yield "        proxy_next_upstream off;"
    yield "    }"


def _field(found: Front, name: str, operation: str) -> Iterator[str]:
    field = front.NAMES[name]
    if operation == "overwrite" and name in _WRITES:
        yield f"        proxy_set_header {field} {_WRITES[name]};"
    elif operation == "append" and name == "for":
        yield f"        proxy_set_header {field} $proxy_add_x_forwarded_for;"
    elif operation == "drop":
        yield f'        proxy_set_header {field} "";'
    elif operation != "pass":
        message = f"proxies.chain: {found.layer.name}: nothing of nginx's does {operation!r} to {field}"
        hint = 'write "nginx-overwrite" where it is the first layer'
        raise ConfigurationError(Problem(where="gunwale render nginx", message=message, hint=hint))
