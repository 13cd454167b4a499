"""Kubernetes Ingresses: the controller of their class, as far as its configuration is in the project."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from gunwale import units
from gunwale.project.cluster import annotation, attribute, backends, objects
from gunwale.project.facts import Given
from gunwale.project.passage import Passage, Target
from gunwale.project.stopping import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.cluster import Backend
    from gunwale.project.model import Project
    from gunwale.project.readers.kubernetes import Object

_NGINX, _ALB = "nginx.ingress.kubernetes.io/", "alb.ingress.kubernetes.io/"
_CLASS = "kubernetes.io/ingress.class"
_ATTRIBUTES = f"{_ALB}load-balancer-attributes"
_MODE, _IDLE = "routing.http.xff_header_processing.mode", "idle_timeout.timeout_seconds"
_FORWARDED, _FULL = "use-forwarded-headers", "compute-full-forwarded-for"
_ELSEWHERE = "the controller's configuration is not in the project"


class _Controller(NamedTuple):
    name: str
    like: str


# By the class that an Ingress names; one of another class is unknown to us.
_CONTROLLERS = {
    "nginx": _Controller("ingress-nginx", "ingress-nginx"),
    "alb": _Controller("the ALB", "alb"),
    "traefik": _Controller("Traefik", "traefik"),
    "gce": _Controller("Google's load balancer", "google-lb"),
    "istio": _Controller("Istio's gateway", "istio"),
    "azure-application-gateway": _Controller("the application gateway", "azure-app-gateway"),
}
_UNKNOWN = _Controller("the Ingress", "ingress-nginx")


def passages(project: Project) -> Iterator[Passage]:
    """Yield one passage for each path of each Ingress."""
    for each in project.derive(backends):
        name = _class(each.ingress)
        if name == "alb":
            yield _of_alb(each)
        elif name == "nginx":
            yield _of_nginx(project, each)
        else:
            yield _passage(each, _CONTROLLERS.get(name, _UNKNOWN), unsure=_ELSEWHERE)


def _class(ingress: Object) -> str:
    said = ingress.node.get("spec", "ingressClassName") or annotation(ingress, _CLASS)
    return ((said.text or "") if said is not None else "").rpartition("/")[2]


def _is_of_another_nginx(ingress: Object) -> bool:
    """Whether it is for NGINX's own controller, which has the same class and other fields."""
    annotations = ingress.node.get("metadata", "annotations")
    return any(name.startswith("nginx.org/") for name, _ in (annotations.items() if annotations else ()))


def _passage(each: Backend, controller: _Controller, unsure: str = "") -> Passage:
    return Passage(
        proxy=controller.name,
        like=controller.like,
        at=each.node.at,
        targets=(Target(host=each.service, port=each.port),),
        is_tls=each.ingress.node.get("spec", "tls") is not None,
        takes_any_host=not each.host,
        unsure=unsure,
        path=each.path,
    )


def _of_alb(each: Backend) -> Passage:
    mode, idle = attribute(each.ingress, _ATTRIBUTES, _MODE), attribute(each.ingress, _ATTRIBUTES, _IDLE)
    node = annotation(each.ingress, _ATTRIBUTES)
    like = {"preserve": "alb-preserve", "remove": "alb-remove"}.get(mode or "", "alb")
    kept = Given(float(idle), node.at) if node is not None and idle is not None and idle.isdigit() else None
    has_tls = any(annotation(each.ingress, f"{_ALB}{name}") for name in ("certificate-arn", "listen-ports"))
    passage = _passage(each, _CONTROLLERS["alb"]._replace(like=like))
    return replace(
        passage,
        is_tls=passage.is_tls or has_tls,
        idle_timeout=kept,
        read_timeout=kept,
    )


def _of_nginx(project: Project, each: Backend) -> Passage:
    if _is_of_another_nginx(each.ingress):
        return _passage(each, _UNKNOWN, unsure=_ELSEWHERE)
    settings = _settings(project)
    is_forwarding = settings is not None and settings.get(_FORWARDED) == "true"
    is_full = is_forwarding and settings is not None and settings.get(_FULL) == "true"
    like = (
        "ingress-nginx-full" if is_full else ("ingress-nginx-forwarded" if is_forwarding else "ingress-nginx")
    )
    prefix = annotation(each.ingress, f"{_NGINX}x-forwarded-prefix")
    is_written = annotation(each.ingress, f"{_NGINX}configuration-snippet") is not None
    waits = annotation(each.ingress, f"{_NGINX}proxy-read-timeout")
    wait = seconds(waits.text or "") if waits is not None else None
    body = annotation(each.ingress, f"{_NGINX}proxy-body-size")
    size = _size(body.text or "") if body is not None else None
    return replace(
        _passage(each, _CONTROLLERS["nginx"]._replace(like=like)),
        unsure="" if settings is not None and not is_written else _ELSEWHERE,
        operations={} if is_written else {"prefix": "overwrite" if prefix is not None else "pass"},
        read_timeout=Given(wait, waits.at) if waits is not None and wait is not None else None,
        max_body=Given(size, body.at) if body is not None and size is not None else None,
    )


def _settings(project: Project) -> dict[str, str] | None:
    """Return the controller's ConfigMap: the one that has a setting of its own, or is called as it is."""
    for each in project.derive(objects):
        data = each.node.get("data") if each.kind == "ConfigMap" else None
        if data is not None and (_FORWARDED in data.entries or each.name == "ingress-nginx-controller"):
            return {key: node.text or "" for key, node in data.items()}
    return None


def _size(text: str) -> int | None:
    """Return the bytes of nginx's 8m; 0 means any."""
    try:
        return units.size(text)
    except ValueError:
        return None
