"""The pod is gone before its load balancer has let go of it.

Kubernetes deletes a pod and takes it out of the load balancer at the same time.
Until the deregistration delay is over, the load balancer may still send requests to the pod's address, on
connections that it keeps; a pod that ended before answers them with 502 and 504, at each roll-out.
The rule that holds: deregistration delay < preStop < terminationGracePeriodSeconds.
(A public report, EclipseFdn/open-vsx.org#12422: preStop 25 s below a delay of 30 s, 1,000 errors a minute.)

Amazon ECS does it in the other order: it waits for the load balancer first and sends SIGTERM then, so that
there a delay above stopTimeout is nothing wrong.

## Example: the pod stops after 15 seconds, the load balancer after 30

Flagged at `k8s.yaml:20`.

```yaml k8s.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata:
      labels: {app: web}
    spec:
      terminationGracePeriodSeconds: 60
      containers:
        - name: web
          image: registry.example/web:1
          lifecycle:
            preStop: {sleep: {seconds: 15}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  annotations:
    alb.ingress.kubernetes.io/target-group-attributes: deregistration_delay.timeout_seconds=30
spec:
  ingressClassName: alb
  rules:
    - http:
        paths:
          - path: /
            backend: {service: {name: web, port: {number: 80}}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: 8000}]
```

```dockerfile Dockerfile
FROM python:3.13-slim
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

## Example: a network load balancer's Service, and no preStop at all

Flagged at `k8s.yaml:18`.

```yaml k8s.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: registry.example/web:1
---
apiVersion: v1
kind: Service
metadata:
  name: web
  annotations:
    service.beta.kubernetes.io/aws-load-balancer-target-group-attributes: >-
      deregistration_delay.timeout_seconds=120
spec:
  type: LoadBalancer
  selector: {app: web}
  ports: [{port: 80, targetPort: 8000}]
```

```dockerfile Dockerfile
FROM python:3.13-slim
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

## Use instead: preStop waits for the load balancer, and the grace period for both

```yaml k8s.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata:
      labels: {app: web}
    spec:
      terminationGracePeriodSeconds: 90
      containers:
        - name: web
          image: registry.example/web:1
          lifecycle:
            preStop: {sleep: {seconds: 35}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  annotations:
    alb.ingress.kubernetes.io/target-group-attributes: deregistration_delay.timeout_seconds=30
spec:
  ingressClassName: alb
  rules:
    - http:
        paths:
          - path: /
            backend: {service: {name: web, port: {number: 80}}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: 8000}]
```

```dockerfile Dockerfile
FROM python:3.13-slim
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

## Use instead: an ECS service, which waits for its load balancer before it stops a task

```terraform main.tf
resource "aws_lb_target_group" "web" {
  port                 = 8000
  protocol             = "HTTP"
  deregistration_delay = 300
}

resource "aws_ecs_task_definition" "web" {
  family = "web"

  container_definitions = jsonencode([{
    name         = "web"
    image        = "registry.example/web:1"
    stopTimeout  = 60
    portMappings = [{ containerPort = 8000 }]
  }])
}
```

```dockerfile Dockerfile
FROM python:3.13-slim
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "app:app"]
```

## Use instead: gunwale, which keeps serving for as long as it is told to, before it stops

```yaml k8s.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata:
      labels: {app: web}
    spec:
      terminationGracePeriodSeconds: 90
      containers:
        - name: web
          image: registry.example/web:1
---
apiVersion: v1
kind: Service
metadata:
  name: web
  annotations:
    service.beta.kubernetes.io/aws-load-balancer-target-group-attributes: >-
      deregistration_delay.timeout_seconds=30
spec:
  type: LoadBalancer
  selector: {app: web}
  ports: [{port: 80, targetPort: 8000}]
```

```dockerfile Dockerfile
FROM python:3.13-slim
CMD ["gunwale", "serve", "--lame-duck", "35", "app:app"]
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.cluster import attribute, ingresses_of, services_of
from gunwale.project.containers import Pod
from gunwale.project.start_path import web_starts
from gunwale.project.stopping import grace
from gunwale.project.target_groups import DELAY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place
    from gunwale.project.model import Project
    from gunwale.project.readers.kubernetes import Object

RULE = About(Topic.TIMEOUTS, Severity.WARNING, Confidence.LIKELY)
_ANNOTATIONS = (
    "alb.ingress.kubernetes.io/target-group-attributes",
    "service.beta.kubernetes.io/aws-load-balancer-target-group-attributes",
)


def check(project: Project) -> Iterator[Finding]:
    """Compare the delay that an annotation gives with what passes before the pod's server gets SIGTERM."""
    seen = set()
    for start in project.derive(web_starts):
        pod, limit = start.launch.platform, grace(start)
        if not isinstance(pod, Pod) or limit is None or start.is_gunwale:
            continue
        for each in (*ingresses_of(project, pod), *services_of(project, pod)):
            found = _delay(each)
            if found is None or found[1] <= limit.held or each in seen:
                continue
            seen.add(each)
            at, delay = found
            yield Finding(
                at=at,
                message=f"requests may come for {delay:g} s, and the pod stops after {limit.held:g} s",
                hint="a preStop sleep above the delay, and terminationGracePeriodSeconds above both",
                because=(Because(limit.held_at or pod.at, f"SIGTERM comes {limit.held:g} s after deletion"),),
            )


def _delay(each: Object) -> tuple[Place, float] | None:
    """Return where an annotation gives a deregistration delay, and its seconds."""
    annotations = each.node.get("metadata", "annotations")
    for name in _ANNOTATIONS:
        said = attribute(each, name, DELAY)
        if annotations is not None and said is not None and said.isdecimal():
            return annotations.key_at(name), float(said)
    return None
