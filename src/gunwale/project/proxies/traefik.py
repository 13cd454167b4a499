"""Traefik: the compose services that its labels publish."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.project.passage import Passage, Target
from gunwale.project.services import base, services

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place
    from gunwale.project.model import Project
    from gunwale.project.readers.compose import Service

_SECURE = ("tls", "websecure", "https")


def passages(project: Project) -> Iterator[Passage]:
    """Yield one passage for each service that labels give a router."""
    every = project.derive(services)
    proxies = [each for each in every if "traefik" in base(project, each)]
    for service in every:
        traefik = next((each for each in proxies if each.path == service.path), None)
        found = labels(service)
        routed = [name for name in found if name.startswith("traefik.http.routers.")]
        if found.get("traefik.enable", ("true", service.at))[0].lower() == "false" or not routed:
            continue
        yield Passage(
            proxy="Traefik",
            like=_like(traefik),
            at=found[routed[0]][1],
            targets=(Target(host=service.name),),
            is_tls=any(word in f"{name}={found[name][0]}" for name in routed for word in _SECURE),
            unsure="" if traefik else "Traefik's own configuration is not in the project",
            service=traefik,
        )


def labels(service: Service) -> dict[str, tuple[str, Place]]:
    """Return the labels of *service* with their places; deploy's count too."""
    found = {}
    for keys in (("labels",), ("deploy", "labels")):
        node = service.get(*keys)
        for name, each in node.items() if node else ():
            found[name] = (each.text or "", each.at)
        for each in node.elements if node else ():
            name, _, value = (each.text or "").partition("=")
            found[name] = (value, each.at)
    return found


def _like(traefik: Service | None) -> str:
    node = traefik.get("command") if traefik else None
    words = " ".join(node.texts()).lower() if node else ""
    if "forwardedheaders.insecure" in words and "forwardedheaders.insecure=false" not in words:
        return "traefik-insecure"
    return "traefik-trusted" if "forwardedheaders.trustedips" in words else "traefik"
