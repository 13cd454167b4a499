"""The proxies people run themselves: what each does to the forwarded fields, one row a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gunwale.plan.layer import FIELDS, Certainty, row

if TYPE_CHECKING:
    from gunwale.plan.layer import Habits, Layer

_RUN, _READ, _DOC = Certainty.VERIFIED, Certainty.SOURCE, Certainty.DOCUMENTED
_NGINX = (
    "nginx 1.22.1, run on loopback; https://nginx.org/en/docs/http/ngx_http_proxy_module.html; "
    "https://nginx.org/en/docs/http/ngx_http_realip_module.html"
)
_APACHE = (
    "Apache 2.4.71, run on loopback; https://httpd.apache.org/docs/2.4/mod/mod_proxy.html#x-headers; "
    "https://httpd.apache.org/docs/2.4/mod/mod_remoteip.html"
)
_HAPROXY = (
    "HAProxy 2.6.12, run on loopback; https://github.com/haproxy/haproxy/blob/master/doc/configuration.txt"
)
_CADDY = "Caddy 2.11.7, run on loopback; https://caddyserver.com/docs/caddyfile/directives/reverse_proxy"
_TRAEFIK = (
    "Traefik 3.7.15, run on loopback; "
    "https://github.com/traefik/traefik/blob/master/pkg/middlewares/forwardedheaders/forwarded_header.go"
)
_ENVOY = "Envoy 1.40.0, run on loopback; https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers"
_ENVOY_TIMES = f"{_ENVOY}; https://www.envoyproxy.io/docs/envoy/latest/faq/configuration/timeouts"
_ISTIO = "https://istio.io/latest/docs/ops/configuration/traffic-management/network-topologies/"
_INGRESS = "https://github.com/kubernetes/ingress-nginx/blob/main/rootfs/etc/nginx/template/nginx.tmpl"
_KAMAL = "https://github.com/basecamp/kamal-proxy/blob/main/internal/server/target.go"

_NGINX_IS: Final[Habits] = {
    "idle_timeout": 60.0,
    "response_timeout": 60.0,
    "max_body": 2**20,
    "buffers": True,
    "drops_underscores": True,
}
# What a client names in Connection: run on loopback on 2026-11-22, tests/e2e/proxies/test_chains.py.
_APACHE_IS: Final[Habits] = {
    "drops_underscores": False,
    "removes": FIELDS,
    "connection_off": "RequestHeader unset Connection early",
}
_HAPROXY_IS: Final[Habits] = {
    "buffers": False,
    "drops_underscores": False,
    "passes_connection": True,
    "connection_off": "http-request del-header Connection",
}
_CADDY_IS: Final[Habits] = {
    "idle_timeout": 120.0,
    "buffers": False,
    "drops_underscores": True,
    "removes": FIELDS,
}
_ENVOY_IS: Final[Habits] = {
    "idle_timeout": 3600.0,
    "response_timeout": 15.0,
    "buffers": False,
    "drops_underscores": False,
}
_CONDITIONAL = "a client of its own range, or a proxy left out of it, is believed like a proxy"
_PROXY_NETWORKS = f"its list of trusted proxies must hold exactly the layers before it: {_CONDITIONAL}"

# fmt: off
SELF_HOSTED: tuple[Layer, ...] = (
    #                                    for  proto host port prefix forwarded real-ip request-id
    row("nginx",                        "P    P     P    P    P      P         P       P", _RUN, _NGINX,
        setting="a bare proxy_pass", keeps_host=False, like=_NGINX_IS),
    row("nginx-proxy-add",              "A    O     O    P    O      P         P       P", _RUN, _NGINX,
        setting="the snippet of Flask's documentation: $proxy_add_x_forwarded_for, $scheme, $host, prefix /",
        keeps_host=False, like=_NGINX_IS),
    row("nginx-overwrite",              "O    O     P    O    P      P         O       O", _RUN, _NGINX,
        setting="$remote_addr, $scheme, Host $http_host, port, X-Real-IP, X-Request-ID $request_id",
        like=_NGINX_IS),
    row("nginx-real-ip",                "R    P     P    P    P      P         O       P", _RUN, _NGINX,
        setting="real_ip_recursive on, $proxy_add_x_forwarded_for, Host $host",
        note=f"the client's address is written twice, the load balancer's never; {_PROXY_NETWORKS}",
        like=_NGINX_IS),
    row("nginx-drop",                   "D    D     D    D    D      D         D       P", _RUN, _NGINX,
        setting='proxy_set_header FIELD ""', keeps_host=False, like=_NGINX_IS),
    row("apache",                       "A    P     A    P    P      P         P       P", _RUN, _APACHE,
        setting="ProxyPass", keeps_host=False, like=_APACHE_IS),
    row("apache-preserve-host",         "A    O     A    P    P      P         P       P", _RUN, _APACHE,
        setting="ProxyPreserveHost On, RequestHeader set X-Forwarded-Proto",
        note="a client removes what RequestHeader set by naming it in Connection",
        removes_own=("proto",), like=_APACHE_IS),
    row("apache-no-headers",            "P    P     P    P    P      P         P       P", _RUN, _APACHE,
        setting="ProxyAddHeaders Off", keeps_host=False, like=_APACHE_IS),
    row("apache-remoteip",              "R    P     A    P    P      P         P       P", _RUN, _APACHE,
        setting="mod_remoteip and mod_proxy, ProxyPreserveHost On", note=_PROXY_NETWORKS,
        removes=tuple(name for name in FIELDS if name != "for"), like=_APACHE_IS),
    row("haproxy",                      "P    P     P    P    P      P         P       P", _RUN, _HAPROXY,
        setting="no option", like=_HAPROXY_IS),
    row("haproxy-forwardfor",           "A    P     P    P    P      P         P       P", _RUN, _HAPROXY,
        setting="option forwardfor", note="as a line of its own behind the client's", like=_HAPROXY_IS),
    row("haproxy-set-proto",            "A    O     P    P    P      P         P       P", _RUN, _HAPROXY,
        setting="option forwardfor, http-request set-header X-Forwarded-Proto", like=_HAPROXY_IS),
    row("haproxy-forwardfor-if-none",   "N    P     P    P    P      P         P       P", _RUN, _HAPROXY,
        setting="option forwardfor if-none", note="works in every test, and any client forges it",
        like=_HAPROXY_IS),
    row("haproxy-forwarded",            "P    P     P    P    P      A         P       P", _DOC, _HAPROXY,
        setting="option forwarded (HAProxy 2.8 and newer)", like=_HAPROXY_IS),
    row("caddy",                        "O    O     O    P    P      P         P       P", _RUN, _CADDY,
        setting="reverse_proxy", note="drops underscore names since 2.11.4", like=_CADDY_IS),
    row("caddy-trusted",                "A    L     L    P    P      P         P       P", _RUN, _CADDY,
        setting="trusted_proxies, and the peer is one", note=_PROXY_NETWORKS, like=_CADDY_IS),
    row("traefik",                      "O    O     O    O    D      P         O       P", _RUN, _TRAEFIK,
        setting="version 3, the peer is not trusted (the default)",
        note="X-Forwarded-Prefix is dropped since 2.11.14, underscore names since 3.6.14",
        drops_underscores=True),
    row("traefik-trusted",              "A    N     N    N    P      P         N       P", _RUN, _TRAEFIK,
        setting="forwardedHeaders.trustedIPs matches", note=_PROXY_NETWORKS, drops_underscores=True),
    row("traefik-insecure",             "A    N     N    N    P      P         N       P", _RUN, _TRAEFIK,
        setting="forwardedHeaders.insecure", note="as its first layer only X-Forwarded-For is safe",
        drops_underscores=True),
    row("k3s-servicelb",                "P    P     P    P    P      P         P       P",
        Certainty.REPORTED, "https://github.com/k3s-io/k3s/issues/1652",
        setting="k3s's own load balancer, in front of its Traefik", passes_connection=True,
        note="it hides the client's address unless externalTrafficPolicy is Local: then leave it out"),
    row("envoy-edge",                   "A    O     P    P    P      P         P       O", _RUN, _ENVOY_TIMES,
        setting="use_remote_address: true, xff_num_trusted_hops: 0", like=_ENVOY_IS),
    row("envoy-trusted-hops",           "A    N     P    P    P      P         P       O", _RUN, _ENVOY_TIMES,
        setting="use_remote_address: true, xff_num_trusted_hops above 0",
        note="believes the X-Forwarded-Proto of the layer before it", like=_ENVOY_IS),
    row("envoy",                        "P    N     P    P    P      P         P       N", _RUN, _ENVOY_TIMES,
        setting="use_remote_address: false (the default), or skip_xff_append",
        note="keeps a client's own X-Forwarded-Proto, whatever the documentation says", like=_ENVOY_IS),
    row("istio",                        "A    O     P    P    P      P         P       O", _DOC, _ISTIO,
        setting="ingress gateway; the sidecar adds nothing", buffers=False),
    row("istio-trusted-proxies",        "A    P     P    P    P      P         P       O", _DOC, _ISTIO,
        setting="ingress gateway, numTrustedProxies above 0", buffers=False),
    row("ingress-nginx",                "O    O     O    O    P      P         O       N", _READ, _INGRESS,
        setting="defaults", note="the client's own list is moved to X-Original-Forwarded-For"),
    row("ingress-nginx-forwarded",      "?    P     P    P    P      P         O       N",
        Certainty.DISPUTED, _INGRESS, setting="use-forwarded-headers",
        disputed="what it takes for the client depends on proxy-real-ip-cidr, by default every network"),
    row("ingress-nginx-full",           "A    P     P    P    P      P         O       N", _READ, _INGRESS,
        setting="use-forwarded-headers and compute-full-forwarded-for"),
    row("kamal-proxy",                  "O    O     O    P    P      D         P       N", _READ, _KAMAL,
        setting="ssl: true, forward_headers off"),
    row("kamal-proxy-forwarding",       "A    N     N    P    P      D         P       N", _READ, _KAMAL,
        setting="ssl: false, or forward_headers: true",
        note="with nothing in front, scheme and host are the client's to choose"),
    row("gorouter",                     "A    A     P    P    P      ?         ?       ?", _DOC,
        "https://docs.cloudfoundry.org/concepts/http-routing.html", setting="Cloud Foundry"),
)
# fmt: on
