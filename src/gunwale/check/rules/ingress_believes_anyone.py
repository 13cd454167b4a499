"""ingress-nginx hands on the forwarded fields that any client sends.

With use-forwarded-headers it takes X-Forwarded-For, -Proto and -Host from its peer.
From whom, proxy-real-ip-cidr says, and its default is 0.0.0.0/0: everybody.
Where clients reach the controller past the load balancer, they choose their own address, scheme and host.

## Example: no network is named

Flagged at `ingress.yaml:5`.

```yaml ingress.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: ingress-nginx-controller}
data:
  use-forwarded-headers: "true"
```

## Use instead: the load balancer's network

```yaml ingress.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: ingress-nginx-controller}
data:
  use-forwarded-headers: "true"
  proxy-real-ip-cidr: 10.0.0.0/16
```

## Use instead: the controller is the edge

```yaml ingress.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: ingress-nginx-controller}
data:
  use-forwarded-headers: "false"
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.cluster import objects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.TRUST, Severity.WARNING, Confidence.LIKELY)
_ANYONE = ("", "0.0.0.0/0", "::/0")


def check(project: Project) -> Iterator[Finding]:
    """Join the two settings of the controller's ConfigMap."""
    for each in project.derive(objects):
        data = each.node.get("data") if each.kind == "ConfigMap" else None
        said = data.get("use-forwarded-headers") if data is not None else None
        if data is None or said is None or said.text != "true":
            continue
        network = data.get("proxy-real-ip-cidr")
        if ((network.text or "") if network is not None else "") in _ANYONE:
            at = data.key_at("use-forwarded-headers")
            yield Finding(
                at=at,
                message="forwarded fields are believed, whoever sends them: proxy-real-ip-cidr names nobody",
                hint="proxy-real-ip-cidr: the networks of the load balancer in front",
                because=(Because(network.at, "everybody"),) if network is not None else (),
            )
