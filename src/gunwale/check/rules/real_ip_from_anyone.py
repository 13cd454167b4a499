"""The proxy lets anybody say what the client's address is.

`set_real_ip_from` names the proxies before this one. With every network in it, the address that nginx logs,
limits by, and hands on is the one that the client has put into its X-Forwarded-For.

## Example: every network

Flagged at `nginx.conf:2`.

```nginx nginx.conf
server {
    set_real_ip_from 0.0.0.0/0;
    real_ip_header X-Forwarded-For;
    real_ip_recursive on;
    location / {
        proxy_pass http://127.0.0.1:8000;
        proxy_set_header X-Forwarded-For $remote_addr;
    }
}
```

## Example: Traefik's insecure

Flagged at `compose.yaml:6`.

```yaml compose.yaml
services:
  traefik:
    image: traefik:v3
    command:
      - --providers.docker
      - --entryPoints.web.forwardedHeaders.insecure
```

## Use instead: the networks of the load balancer

```nginx nginx.conf
server {
    set_real_ip_from 10.0.0.0/16;
    real_ip_header X-Forwarded-For;
    real_ip_recursive on;
    location / {
        proxy_pass http://127.0.0.1:8000;
        proxy_set_header X-Forwarded-For $remote_addr;
    }
}
```

```yaml compose.yaml
services:
  traefik:
    image: traefik:v3
    command:
      - --providers.docker
      - --entryPoints.web.forwardedHeaders.trustedIPs=10.0.0.0/16
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.readers.nginx import Nginx, walk
from gunwale.project.roles import of_production
from gunwale.project.services import services

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.TRUST, Severity.ERROR, Confidence.LIKELY)
_EVERYBODY = ("0.0.0.0/0", "::/0")


def check(project: Project) -> Iterator[Finding]:
    """Look at what nginx and Traefik are told of the proxies before them."""
    files = {each.path: each for each in project.of(Nginx)}
    for path in of_production(files):
        for each in walk(files[path].directives):
            if each.name == "set_real_ip_from" and each.words[:1] in [(net,) for net in _EVERYBODY]:
                yield Finding(
                    at=each.at,
                    message=f"set_real_ip_from {each.words[0]}: every client says what its address is",
                    hint="the networks that the proxy before this one connects from",
                )
    for service in project.derive(services):
        command = service.get("command")
        for node in (command.elements or (command,)) if command is not None else ():
            text = (node.text or "").lower()
            if "forwardedheaders.insecure" in text and "insecure=false" not in text:
                yield Finding(
                    at=node.at,
                    message="forwardedHeaders.insecure: every client says what its address is",
                    hint="forwardedHeaders.trustedIPs with the networks of the proxy before it, or nothing",
                )
