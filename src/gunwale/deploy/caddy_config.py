"""What Caddy is told: one site before the tasks, and a private socket that reaches each task by itself.

Which tasks get requests is no part of it.  Each upstream is a file that Caddy reads for each request
(its placeholder {file.*}), so targets change by rename(2): a configuration that is loaded anew closes the
clients' idle connections, and a request that is under way on one of them is lost (Go's Server.Shutdown).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TASK_FIELD = "X-Gunwale-Task"
DIAL_FIELD = "X-Gunwale-Dial"
# Shared evenly by 1, 2, 3, 4, 6, 8 or 12 tasks; with 5 of them one gets a fifth less.
SLOTS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One site's numbers: all that Caddy needs of a plan.

    *names* have HTTPS, with certificates of *issuer* ("acme", or Caddy's own "internal").  *idle_timeout*
    is how long a connection to a task is kept, *grace_period* how long one of a client may take to end.
    *fields* are request fields and what they are overwritten with, None for those that are dropped.
    For *try_duration* seconds a task is sought that can be connected to; nothing else is ever tried again.
    *tells_task*: each response says which task it is from.
    """

    listen: str
    names: tuple[str, ...] = ()
    issuer: str = "acme"
    idle_timeout: float = 60.0
    grace_period: float = 30.0
    max_body: int | None = None
    fields: Mapping[str, str | None] = field(default_factory=dict)
    try_duration: float = 0.0
    tells_task: bool = False
    slots: int = SLOTS


def dial(address: str) -> str:
    """Write a task's address as Caddy does: "unix//run/v1.1.sock"."""
    return f"unix/{address.removeprefix('unix:')}" if address.startswith("unix:") else address


def config(site: Site, directory: Path) -> dict[str, Any]:
    """Return Caddy's whole configuration (https://caddyserver.com/docs/json/)."""
    apps: dict[str, Any] = {"http": _http(site, directory)}
    if site.names:
        policy = {"subjects": list(site.names), "issuers": [{"module": site.issuer}]}
        apps["tls"] = {"automation": {"policies": [policy]}}
        # Its root certificate stays where it is: nothing is put into the machine's trust store.
        apps["pki"] = {"certificate_authorities": {"local": {"install_trust": False}}}
    return {
        "admin": {"listen": f"unix/{directory}/caddy.sock|0600", "config": {"persist": False}},
        "logging": {"logs": {"default": {"level": "WARN"}}},
        "storage": {"module": "file_system", "root": str(directory / "caddy")},
        "apps": apps,
    }


def as_text(found: Mapping[str, Any]) -> bytes:
    """Write a configuration; the same bytes for the same one."""
    return json.dumps(found, indent=1, sort_keys=True).encode()


def _http(site: Site, directory: Path) -> dict[str, Any]:
    targets = [{"dial": f"{{file.{directory}/targets/{slot}}}"} for slot in range(site.slots)]
    route: dict[str, Any] = {"handle": [*_limits(site), _proxy(site, targets)]}
    front: dict[str, Any] = {"listen": [site.listen], "routes": [route]}
    if site.names:
        route["match"] = [{"host": list(site.names)}]
        route["terminal"] = True
        if not site.listen.endswith(":443"):
            # Port 80 is somebody else's then, and a redirect would go to the wrong port.
            front["automatic_https"] = {"disable_redirects": True}
    else:
        front |= {"automatic_https": {"disable": True}, "protocols": ["h1"]}
    each = _proxy(site, [{"dial": f"{{http.request.header.{DIAL_FIELD}}}"}])
    # The peer is a Unix socket, for which reverse_proxy writes none of these.
    scheme = "https" if site.names else "http"
    asked = {"X-Forwarded-For": ["127.0.0.1"], "X-Forwarded-Proto": [scheme]}
    asked["X-Forwarded-Host"] = ["{http.request.host}"]
    each["headers"]["request"]["set"] |= asked
    probe = {
        "protocols": ["h1"],
        "listen": [f"unix/{directory}/probe.sock|0600"],
        "automatic_https": {"disable": True},
        "routes": [{"handle": [each]}],
    }
    return {"grace_period": f"{site.grace_period:g}s", "servers": {"site": front, "probe": probe}}


def _limits(site: Site) -> list[dict[str, Any]]:
    return [{"handler": "request_body", "max_size": site.max_body}] if site.max_body is not None else []


def _proxy(site: Site, upstreams: list[dict[str, str]]) -> dict[str, Any]:
    written = {name: [value] for name, value in site.fields.items() if value is not None}
    dropped = [DIAL_FIELD, *(name for name, value in site.fields.items() if value is None)]
    response: dict[str, Any] = {"delete": [TASK_FIELD]}
    if site.tells_task:
        # In the words of Task.address; operations are done in the order add, set, delete, replace.
        response = {
            "set": {TASK_FIELD: ["{http.reverse_proxy.upstream.address}"]},
            "replace": {
                TASK_FIELD: [
                    {"search_regexp": "^unix//", "replace": "unix:/"},
                    {"search_regexp": "^tcp/", "replace": ""},
                ]
            },
        }
    found: dict[str, Any] = {
        "handler": "reverse_proxy",
        "upstreams": upstreams,
        "load_balancing": {"selection_policy": {"policy": "least_conn"}},
        "headers": {"request": {"set": written, "delete": dropped}, "response": response},
        "transport": {"protocol": "http", "keep_alive": {"idle_timeout": f"{site.idle_timeout:g}s"}},
    }
    if site.try_duration:
        # Only who could not connect has sent nothing; any other request may have been acted upon.
        found["load_balancing"] |= {
            "try_duration": f"{site.try_duration:g}s",
            "try_interval": "100ms",
            "retry_match": [{"not": [{"path": ["*"]}]}],
        }
    return found
