"""The known layers, as data: what each does to the forwarded fields, with its source.

Operations on a field's list of values (DESIGN.md §4); a field that is not named is passed through.
None as a timeout, limit or buffering means that it is the user's configuration or not documented.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

OPERATIONS = ("append", "append2", "overwrite", "pass", "drop", "if-absent", "last")
FIELDS = ("for", "proto", "host", "port", "prefix", "request_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One layer: its *operations* by field; *keeps_host* says that Host reaches the next one as it came.

    *is_transparent*: the next layer sees the client's own address (layer 4, client address preserved).
    *idle_timeout* is how long it keeps an idle connection to its upstream, *response_timeout* how long it
    waits for an answer, both in seconds.
    *disputed* tells why its behaviour must be measured rather than read up.
    """

    name: str
    operations: Mapping[str, str] = field(default_factory=dict)
    keeps_host: bool = True
    is_transparent: bool = False
    idle_timeout: float | None = None
    response_timeout: float | None = None
    max_body: int | None = None
    buffers: bool | None = None
    tls: bool | None = None
    source: str = ""
    verified: str = ""
    disputed: str = ""

    def operation(self, field_name: str) -> str:
        """Return what this layer does to *field_name*."""
        return self.operations.get(field_name, "pass")


_NGINX = "nginx 1.22.1, run on loopback"
_NGINX_DOCS = "https://nginx.org/en/docs/http/ngx_http_proxy_module.html"
_AWS_FIELDS = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html"
_CADDY = "https://caddyserver.com/docs/caddyfile/directives/reverse_proxy; Caddy 2.11.7, run on loopback"
_CLOUDFRONT = (
    "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
    "RequestAndResponseBehaviorCustomOrigin.html"
)
_READ = "2026-11-22"

_KNOWN = (
    Layer(
        name="nginx",
        keeps_host=False,
        idle_timeout=60.0,
        response_timeout=60.0,
        max_body=2**20,
        buffers=True,
        source=f"{_NGINX} (a bare proxy_pass); {_NGINX_DOCS}",
        verified=_READ,
    ),
    Layer(
        name="nginx-proxy-add",
        operations={"for": "append", "proto": "overwrite", "host": "overwrite", "prefix": "overwrite"},
        keeps_host=False,
        idle_timeout=60.0,
        response_timeout=60.0,
        max_body=2**20,
        buffers=True,
        source=f"{_NGINX} (the snippet of Flask's documentation); {_NGINX_DOCS}",
        verified=_READ,
    ),
    Layer(
        name="nginx-overwrite",
        operations={
            "for": "overwrite",
            "proto": "overwrite",
            "port": "overwrite",
            "request_id": "overwrite",
        },
        idle_timeout=60.0,
        response_timeout=60.0,
        max_body=2**20,
        buffers=True,
        source=f"{_NGINX} ($remote_addr, $scheme, Host $http_host, X-Request-ID $request_id); {_NGINX_DOCS}",
        verified=_READ,
    ),
    Layer(
        name="apache",
        operations={"for": "append", "host": "append"},
        keeps_host=False,
        source="Apache 2.4.71, run on loopback (ProxyPass); "
        "https://httpd.apache.org/docs/2.4/mod/mod_proxy.html#x-headers",
        verified=_READ,
    ),
    Layer(
        name="haproxy",
        source="HAProxy 2.6.12, run on loopback (no option)",
        verified=_READ,
        buffers=False,
    ),
    Layer(
        name="haproxy-forwardfor",
        operations={"for": "append"},
        buffers=False,
        source="HAProxy 2.6.12, run on loopback (option forwardfor)",
        verified=_READ,
    ),
    Layer(
        name="haproxy-forwardfor-if-none",
        operations={"for": "if-absent"},
        buffers=False,
        source="HAProxy 2.6.12, run on loopback (option forwardfor if-none)",
        verified=_READ,
    ),
    Layer(
        name="caddy",
        operations={"for": "overwrite", "proto": "overwrite", "host": "overwrite"},
        idle_timeout=120.0,
        buffers=False,
        source=_CADDY,
        verified=_READ,
    ),
    Layer(
        name="caddy-trusted",
        operations={"for": "append", "proto": "last", "host": "last"},
        idle_timeout=120.0,
        buffers=False,
        source=f"{_CADDY} (trusted_proxies, and the peer is one)",
        verified=_READ,
    ),
    Layer(
        name="traefik",
        operations={
            "for": "overwrite",
            "proto": "overwrite",
            "host": "overwrite",
            "port": "overwrite",
            "prefix": "drop",
        },
        source="Traefik 3, source read (pkg/middlewares/forwardedheaders/forwarded_header.go), "
        "peer untrusted",
        verified=_READ,
    ),
    Layer(
        name="traefik-trusted",
        operations={"for": "append", "proto": "if-absent", "host": "if-absent", "port": "if-absent"},
        source="Traefik 3, source read (forwardedHeaders.trustedIPs matches)",
        verified=_READ,
    ),
    Layer(
        name="envoy-edge",
        operations={"for": "append", "proto": "overwrite", "request_id": "overwrite"},
        idle_timeout=3600.0,
        response_timeout=15.0,
        buffers=False,
        source="https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers "
        "(use_remote_address: true, no trusted hops); "
        "https://www.envoyproxy.io/docs/envoy/latest/faq/configuration/timeouts",
        verified=_READ,
    ),
    Layer(
        name="ingress-nginx",
        operations={
            "for": "overwrite",
            "proto": "overwrite",
            "host": "overwrite",
            "port": "overwrite",
            "request_id": "if-absent",
        },
        source="ingress-nginx, source read (rootfs/etc/nginx/template/nginx.tmpl), defaults",
        verified=_READ,
    ),
    Layer(
        name="alb",
        operations={"for": "append", "proto": "overwrite", "port": "overwrite"},
        idle_timeout=60.0,
        response_timeout=60.0,
        source=_AWS_FIELDS,
        verified=_READ,
    ),
    Layer(
        name="alb-preserve",
        operations={"proto": "overwrite", "port": "overwrite"},
        idle_timeout=60.0,
        response_timeout=60.0,
        source=f"{_AWS_FIELDS} (routing.http.xff_header_processing.mode = preserve)",
        verified=_READ,
    ),
    Layer(
        name="cloudfront",
        operations={"for": "append", "proto": "drop"},
        keeps_host=False,
        idle_timeout=5.0,
        response_timeout=30.0,
        source=_CLOUDFRONT,
        verified=_READ,
    ),
    Layer(
        name="cloudflare",
        operations={"for": "append", "proto": "overwrite"},
        idle_timeout=900.0,
        response_timeout=120.0,
        source="https://developers.cloudflare.com/fundamentals/reference/http-headers/; "
        "https://developers.cloudflare.com/fundamentals/reference/connection-limits",
        verified=_READ,
    ),
    Layer(
        name="google-lb",
        operations={"for": "append2", "proto": "overwrite"},
        idle_timeout=600.0,
        response_timeout=30.0,
        source="https://cloud.google.com/load-balancing/docs/https#x-forwarded-for_header",
        verified=_READ,
    ),
    Layer(
        name="azure-front-door",
        operations={"for": "append", "proto": "overwrite", "host": "overwrite"},
        keeps_host=False,
        source="https://learn.microsoft.com/azure/frontdoor/front-door-http-headers-protocol",
        verified=_READ,
    ),
    Layer(
        name="fly",
        operations={"for": "append2", "proto": "overwrite"},
        source="https://fly.io/docs/networking/request-headers/",
        verified=_READ,
    ),
    Layer(
        name="cloud-run",
        source="https://cloud.google.com/run/docs",
        disputed="reports differ on whether Cloud Run overwrites X-Forwarded-For, appends one or appends two",
    ),
)

LAYERS: Mapping[str, Layer] = MappingProxyType({layer.name: layer for layer in _KNOWN})
