"""The compose services of production: what each mounts, and which one runs a file."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from gunwale.project.expand import expand
from gunwale.project.readers.compose import Compose, Service
from gunwale.project.roles import of_production

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gunwale.project.model import Project


def services(project: Project) -> tuple[Service, ...]:
    """Return every service of every compose file of production."""
    files = {each.path: each for each in project.of(Compose)}
    return tuple(service for path in of_production(files) for service in files[path].services)


def names(service: Service) -> set[str]:
    """Return the names that other services reach *service* by."""
    found = {service.name}
    for key in ("container_name", "hostname"):
        found |= {text} if (text := service.text(key)) else set()
    networks = service.get("networks")
    for _, network in networks.items() if networks else ():
        aliases = network.get("aliases")
        found |= set(aliases.texts()) if aliases else set()
    return found


def mounts(service: Service) -> dict[str, str]:
    """Return the bind mounts: the path from the project's root, and where it is in the container."""
    node = service.get("volumes")
    found = {}
    for each in node.elements if node else ():
        if each.text is not None:
            source, _, rest = expand(each.text, {}).text.partition(":")
            inside = rest.partition(":")[0]
        else:
            source, inside = (
                (part.text or "") if (part := each.get(key)) else "" for key in ("source", "target")
            )
        if source.startswith(".") and inside:
            folder = posixpath.dirname(service.path)
            found[posixpath.normpath(posixpath.join(folder, source))] = inside
    return found


def service_of(project: Project, path: str) -> Service | None:
    """Return the service that the configuration file *path* belongs to: mounted, or in its build context."""
    best: tuple[int, Service] | None = None
    for service in project.derive(services):
        held = set(mounts(service))
        if service.build is not None and service.build.context != ".":
            held.add(service.build.context)
        for each in held:
            is_in = path == each or path.startswith(f"{each}/")
            if is_in and (best is None or len(each) > best[0]):
                best = (len(each), service)
    return best[1] if best else None


def environment(service: Service | None) -> Mapping[str, str]:
    """Return the values its ``environment`` gives."""
    if service is None:
        return {}
    return {name: expand(node.text or "", {}).text for name, node in service.environ.items()}


def base(project: Project, service: Service) -> str:
    """Return the image it runs, or that its build begins with: "nginx:1.27", or ""."""
    from gunwale.project import image
    from gunwale.project.readers.dockerfile import Dockerfile

    if service.build is None:
        return service.text("image") or ""
    dockerfile = project.one(Dockerfile, service.build.dockerfile)
    made = (
        image.build(project, dockerfile, service.build.target, service.build.context) if dockerfile else None
    )
    return made.base.value if made else ""
