"""Proxies' files as passages: what is in force at each, and where it leads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gunwale.project import nginx_values
from gunwale.project.facts import Source, UnreadableError
from gunwale.project.fronts import fronts, passages
from gunwale.project.model import Project
from gunwale.project.passage import Target, target
from gunwale.project.python.client_facts import proxy_fixes, raw_reads
from gunwale.project.readers import apache, caddyfile, haproxy, nginx

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from gunwale.project.passage import Passage

# What the four grammars are made of, in any order.
TEXTS = st.lists(
    st.sampled_from(
        [
            *"{};#'\"\\$`<>",
            " ",
            "\n",
            "\r\n",
            "{{",
            "{%",
            "%}",
            "${",
            "</",
            "server",
            "location",
            "proxy_pass http://a:1",
            "ProxyPass / http://a:1/",
            "reverse_proxy a:1",
            "frontend",
            "option forwardfor",
        ]
    )
    | st.text(max_size=5),
    max_size=60,
).map("".join)


def _passages(root: Path, **files: str) -> tuple[Passage, ...]:
    for name, text in files.items():
        (root / name.replace("_", ".")).write_text(text)
    return passages(Project(root))


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("for", "$proxy_add_x_forwarded_for", "append"),
        ("for", "$http_x_forwarded_for, $remote_addr", "append"),
        ("for", "$remote_addr", "overwrite"),
        ("for", "$http_x_forwarded_for", "pass"),
        ("for", "$http_cf_connecting_ip", "pass"),  # as much the client's choice
        ("for", "", "drop"),
        ("for", "$client_ip", "unknown"),
        ("proto", "$scheme", "overwrite"),
        ("proto", "https", "overwrite"),
        ("proto", "$http_x_forwarded_proto", "pass"),
        ("host", "$host", "overwrite"),
        ("request_id", "$request_id", "overwrite"),
    ],
)
def test_a_value_is_an_operation_of_the_plan(field: str, value: str, expected: str) -> None:
    assert nginx_values.operation(field, value, {}, resolves=False) == expected


def test_an_address_that_real_ip_has_worked_out_is_resolved() -> None:
    assert nginx_values.operation("for", "$remote_addr", {}, resolves=True) == "resolve"


@pytest.mark.parametrize(
    ("value", "expected"),
    [("$host", True), ("$http_host", True), ("example.com", True), ("$proxy_host", False), ("$site", None)],
)
def test_host_is_kept_or_the_upstreams(value: str, expected: bool | None) -> None:
    assert nginx_values.keeps_host(value) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://web:8000/api/", Target(host="web", port="8000")),
        ("127.0.0.1:8000", Target(host="127.0.0.1", port="8000")),
        ("[::1]:8000", Target(host="[::1]", port="8000")),
        (":8000", Target(host="", port="8000")),
        ("unix:/run/app.sock", Target(socket="/run/app.sock")),
        ("http://unix:/run/app.sock:/path", Target(socket="/run/app.sock")),
    ],
)
def test_an_address_is_read_as_a_target(text: str, expected: Target) -> None:
    assert target(text) == expected


def test_fields_of_an_outer_block_count_only_where_the_inner_sets_none(tmp_path: Path) -> None:
    found = _passages(
        tmp_path,
        nginx_conf="""http {
            proxy_set_header X-Forwarded-For $remote_addr;
            server {
                location /a { proxy_pass http://a:1; }
                location /b { proxy_set_header Host $host; proxy_pass http://b:1; }
            }
        }""",
    )

    assert [(each.path, each.operation("for"), each.keeps_host) for each in found] == [
        ("/a", "overwrite", False),
        ("/b", "pass", True),
    ]


def test_an_included_file_is_put_in_and_one_that_is_missing_leaves_the_fields_unknown(tmp_path: Path) -> None:
    found = _passages(
        tmp_path,
        nginx_conf="""server {
            location /a { include /etc/nginx/fields.conf; proxy_pass http://a:1; }
            location /b { include /etc/nginx/others.conf; proxy_pass http://b:1; }
        }""",
        fields_conf="proxy_set_header X-Forwarded-Proto $scheme;",
    )

    assert [each.operation("proto") for each in found] == ["overwrite", "unknown"]


def test_the_http_block_that_includes_a_folder_is_around_its_files(tmp_path: Path) -> None:
    found = _passages(
        tmp_path,
        nginx_conf="http { client_max_body_size 8m; include /etc/nginx/conf.d/*.conf; }",
        site_conf="server { location / { proxy_pass http://a:1; } }",
    )

    assert [each.max_body.value for each in found if each.max_body] == [8 * 2**20]


def test_a_map_that_keeps_the_clients_value_writes_only_where_there_is_none(tmp_path: Path) -> None:
    found = _passages(
        tmp_path,
        site_conf="""map $http_x_forwarded_proto $proto { default $http_x_forwarded_proto; '' $scheme; }
        server { location / { proxy_set_header X-Forwarded-Proto $proto; proxy_pass http://a:1; } }""",
    )

    assert [each.operation("proto") for each in found] == ["if-absent"]


def test_an_upstream_and_a_variable_of_the_service_lead_to_their_targets(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(
        "services:\n  edge:\n    image: nginx\n    environment:\n      APP: web:9000\n"
        "    volumes:\n      - ./site.conf:/etc/nginx/templates/site.conf.template\n"
    )
    found = _passages(
        tmp_path,
        site_conf="""upstream app { server one:1; server two:2; }
        server { location /a { proxy_pass http://app; } location /b { proxy_pass http://${APP}; } }""",
    )

    assert [each.targets for each in found] == [
        (Target(host="one", port="1"), Target(host="two", port="2")),
        (Target(host="web", port="9000"),),
    ]


@pytest.mark.parametrize(
    "text", ["server {", "}", "proxy_pass http://a:1", "{ proxy_pass a; }", "server {" * 99]
)
def test_what_is_not_nginx_is_said_not_to_be(text: str) -> None:
    with pytest.raises(UnreadableError):
        nginx.read(Source("nginx.conf", text))


@pytest.mark.parametrize("reader", [nginx, apache, caddyfile, haproxy], ids=lambda each: each.__name__)
@settings(max_examples=150, deadline=None, derandomize=True)
@given(text=TEXTS)
def test_a_reader_reads_any_text_or_says_that_it_cannot(reader: ModuleType, text: str) -> None:
    try:
        found = reader.read(Source("proxy.conf", text))
    except UnreadableError:
        return

    assert found.path == "proxy.conf"


def test_a_passage_to_another_program_is_no_front(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("from flask import Flask\napp = Flask(__name__)\n")
    (tmp_path / "nginx.conf").write_text("server { location / { proxy_pass http://grafana:3000; } }")

    assert fronts(Project(tmp_path)) == ()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ProxyFix(app)", {"for": 1, "proto": 1, "host": 0, "port": 0, "prefix": 0}),
        ("ProxyFix(app, 2, x_host=1)", {"for": 2, "proto": 1, "host": 1, "port": 0, "prefix": 0}),
        ("ProxyFix(app, x_for=HOPS)", {"for": 3, "proto": 1, "host": 0, "port": 0, "prefix": 0}),
        ("ProxyFix(app, x_for=asked())", {"for": None, "proto": 1, "host": 0, "port": 0, "prefix": 0}),
        ("ProxyFix(app, **options)", dict.fromkeys(("for", "proto", "host", "port", "prefix"))),
    ],
)
def test_the_counts_of_a_proxyfix_are_its_arguments(
    tmp_path: Path, line: str, expected: dict[str, int | None]
) -> None:
    text = f"from werkzeug.middleware.proxy_fix import ProxyFix\nHOPS = 3\n{line}\n"
    (tmp_path / "app.py").write_text(text)
    (fix,) = proxy_fixes(Project(tmp_path))

    assert {name: fix.hops(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("request.headers['X-Forwarded-For'].split(',')[0]", [("X-Forwarded-For", True)]),
        (
            "request.headers.get('X-Forwarded-For', request.remote_addr).split(',')[0]",
            [("X-Forwarded-For", True)],
        ),
        ("request.headers.getlist('X-Forwarded-For')[0]", [("X-Forwarded-For", True)]),
        ("request.access_route[0]", [("X-Forwarded-For", True)]),
        ("request.access_route[-1]", []),
        ("request.headers.get('X-Forwarded-For').split(',')[-1]", [("X-Forwarded-For", False)]),
        ("request.environ.get('HTTP_X_REAL_IP')", [("X-Real-IP", False)]),
        ("os.environ.get('HTTP_X_REAL_IP')", []),
        ("request.headers.get('Accept')", []),
    ],
)
def test_a_raw_read_of_a_forwarded_field_is_found(
    tmp_path: Path, line: str, expected: list[tuple[str, bool]]
) -> None:
    (tmp_path / "app.py").write_text(f"import os\nfrom flask import request\nx = {line}\n")

    assert [(each.field, each.is_leftmost) for each in raw_reads(Project(tmp_path))] == expected


def test_caddy_writes_for_proto_and_host_itself(tmp_path: Path) -> None:
    text = "shop.example.com {\n\treverse_proxy /api/* web:8000 {\n\t\theader_up -X-Forwarded-Host\n\t}\n}\n"
    (found,) = _passages(tmp_path, Caddyfile=text)

    assert found.targets == (Target(host="web", port="8000"),)
    assert [found.operation(name) for name in ("for", "proto", "host", "port")] == [
        "overwrite",
        "overwrite",
        "drop",
        "pass",
    ]
    assert found.is_tls


def test_haproxy_joins_a_frontend_with_its_backend(tmp_path: Path) -> None:
    text = """defaults
    mode http
    option forwardfor if-none
    timeout server 30s
frontend web
    bind *:443 ssl crt site.pem
    http-request set-header X-Forwarded-Proto https
    default_backend app
backend app
    server one web:8000 check
"""
    (found,) = _passages(tmp_path, haproxy_cfg=text)

    assert found.targets == (Target(host="web", port="8000"),)
    assert (found.operation("for"), found.operation("proto")) == ("if-absent", "overwrite")
    assert found.is_tls
    assert found.read_timeout is not None
    assert found.read_timeout.value == 30


def test_apache_appends_the_address_and_the_host(tmp_path: Path) -> None:
    text = """<VirtualHost *:443>
    SSLEngine on
    ProxyPreserveHost On
    ProxyPass /static !
    ProxyPass / http://127.0.0.1:8000/
    RequestHeader set X-Forwarded-Proto "https"
</VirtualHost>
"""
    (found,) = _passages(tmp_path, site_conf=text)

    assert found.targets == (Target(host="127.0.0.1", port="8000"),)
    assert [found.operation(name) for name in ("for", "proto", "host")] == ["append", "overwrite", "append"]
    assert found.keeps_host


def test_traefiks_labels_publish_a_service(tmp_path: Path) -> None:
    text = """services:
  traefik:
    image: traefik:v3
    command: ["--entryPoints.web.forwardedHeaders.insecure"]
  web:
    build: .
    labels:
      - traefik.http.routers.web.rule=Host(`shop.example.com`)
      - traefik.http.routers.web.entrypoints=websecure
"""
    (found,) = _passages(tmp_path, compose_yaml=text)

    assert (found.like, found.targets, found.is_tls) == ("traefik-insecure", (Target(host="web"),), True)


CLUSTER = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata:
      labels: {app: web, tier: front}
    spec:
      containers: [{name: web, image: web}]
---
apiVersion: v1
kind: Service
metadata: {name: web-service}
spec:
  selector: {app: web}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations: {ANNOTATIONS}
spec:
  ingressClassName: CLASS
  tls: [{hosts: [shop.example.com]}]
  rules:
    - host: shop.example.com
      http:
        paths:
          - path: /
            backend: {service: {name: web-service, port: {number: 80}}}
"""


@pytest.mark.parametrize(
    ("class_", "annotations", "proxy", "operations"),
    [
        ("alb", "", "the ALB", {"for": "append", "host": "pass"}),
        (
            "alb",
            (
                "alb.ingress.kubernetes.io/load-balancer-attributes: "
                "routing.http.xff_header_processing.mode=preserve"
            ),
            "the ALB",
            {"for": "pass"},
        ),
        # What it does to the others, its ConfigMap decides, which is not there.
        ("nginx", "", "ingress-nginx", {"for": "unknown", "prefix": "pass"}),
        (
            "nginx",
            "nginx.ingress.kubernetes.io/x-forwarded-prefix: /shop",
            "ingress-nginx",
            {"prefix": "overwrite"},
        ),
        ("nginx", "nginx.org/proxy-read-timeout: 60s", "the Ingress", {"prefix": "unknown"}),
        ("traefik", "", "Traefik", {"for": "unknown"}),
        ("somebody-elses", "", "the Ingress", {"for": "unknown"}),
    ],
)
def test_an_ingress_leads_through_a_service_to_the_pod_that_it_selects(
    tmp_path: Path, class_: str, annotations: str, proxy: str, operations: dict[str, str]
) -> None:
    text = CLUSTER.replace("CLASS", class_).replace("ANNOTATIONS", annotations)
    (tmp_path / "k8s.yaml").write_text(text)
    (tmp_path / "Dockerfile").write_text(
        'FROM python:3.13-slim\nCMD ["gunicorn", "-b", ":8000", "app:app"]\n'
    )
    (front,) = fronts(Project(tmp_path))

    assert front.start is not None
    assert front.last.proxy == proxy
    assert front.last.is_tls
    assert {name: front.last.operation(name) for name in operations} == operations


@pytest.mark.parametrize(
    ("settings", "like"),
    [
        ("{use-forwarded-headers: 'true'}", "ingress-nginx-forwarded"),
        ("{use-forwarded-headers: 'true', compute-full-forwarded-for: 'true'}", "ingress-nginx-full"),
        ("{use-forwarded-headers: 'false'}", "ingress-nginx"),
    ],
)
def test_the_controllers_own_configuration_says_which_ingress_nginx_it_is(
    tmp_path: Path, settings: str, like: str
) -> None:
    configuration = f"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: nginx}}\ndata: {settings}\n"
    text = CLUSTER.replace("CLASS", "nginx").replace("ANNOTATIONS", "") + configuration
    (passage,) = _passages(tmp_path, k8s_yaml=text)

    assert passage.like == like
    assert not passage.unsure


def test_a_service_whose_selector_fits_no_pod_leads_nowhere(tmp_path: Path) -> None:
    text = CLUSTER.replace("selector: {app: web}", "selector: {app: other}").replace("ANNOTATIONS", "")
    (tmp_path / "k8s.yaml").write_text(text)
    (tmp_path / "Dockerfile").write_text(
        'FROM python:3.13-slim\nCMD ["gunicorn", "-b", ":8000", "app:app"]\n'
    )

    assert fronts(Project(tmp_path)) == ()
