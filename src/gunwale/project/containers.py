"""Which image of the project a platform's container runs, and what the platform says of it."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunwale.project import image
from gunwale.project.python.applications import applications
from gunwale.project.readers.compose import Compose
from gunwale.project.readers.dockerfile import Dockerfile
from gunwale.project.roles import of_production

if TYPE_CHECKING:
    from gunwale.project.facts import Place
    from gunwale.project.image import Image
    from gunwale.project.model import Project
    from gunwale.project.readers.kubernetes import Object
    from gunwale.project.syntax.yaml import Node

# What runs beside applications under a name of its own: never the project's only image.
_OTHERS = re.compile(
    r"(?:.*/)?(?:nginx|postgres(?:ql)?|postgis|mysql|mariadb|redis|valkey|memcached|mongo|rabbitmq|elasticsearch|"
    r"opensearch|busybox|alpine|debian|ubuntu|curl|envoy|haproxy|traefik|caddy|pgbouncer|cloud-sql-proxy|"
    r"cloudsql-proxy|gce-proxy|fluent-?bit|fluentd|datadog|agent|statsd|xray|aws-xray-daemon|otel|node|"
    r"oauth2-proxy|kubectl|minio|mailhog|adminer|prometheus|grafana|[\w-]*-exporter)(?:[:@].*)?",
    re.IGNORECASE,
)


# Bases of images that are the front end's, the proxy's or another language's.
_NO_PYTHON = re.compile(
    r"(?:.*/)?(?:nginx[\w-]*|node|httpd|traefik|caddy|haproxy|postgres|postgis|mysql|mariadb|redis|mongo|golang|php|ruby|"
    r"rust|openjdk|eclipse-temurin|amazoncorretto|maven|gradle|tomcat|dotnet|aspnet|sdk|runtime|locust)(?:[:@].*)?",
)


_BUILDING = re.compile(
    r"(?:.*/)?(?:[^/]+\.sh|Makefile|README[^/]*|\.github/workflows/[^/]+\.ya?ml|\.gitlab-ci\.yml)"
)
_BUILDS = re.compile(
    r"docker\s+(?:buildx\s+)?(?:build|push)\b|^\s*(?:-\s+)?(?:tags|images|IMAGE\w*)\s*[:=]|^\s*(?:--tag|-t)\s"
)


_TELLING = 4  # letters: shorter names are within too many others


@dataclass(frozen=True, slots=True, eq=False)
class Pod:
    """A container of Kubernetes: its *node*, its pod's *spec*, and the *controller* that makes the pod."""

    node: Node
    spec: Node
    controller: Object

    @property
    def at(self) -> Place:
        """Where the container is written."""
        return self.node.at


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """A container of an ECS task: its own *node*, and the task's *definition*."""

    node: Node
    definition: Node

    @property
    def at(self) -> Place:
        """Where the container is written."""
        return self.node.at


def named_image(project: Project, reference: str) -> Image | None:
    """Return the project's image whose own name *reference* has, and nothing else could be meant."""
    name = _last(reference)
    if not name or _OTHERS.fullmatch(reference):
        return None
    built = _by_compose_name(project).get(name)
    if built is not None:
        return built
    files = {each.path: each for each in project.of(Dockerfile)}
    paths = of_production(files)
    named = [path for path in paths if _is_named(path, name)]
    is_own = _plain(name) in {_plain(each) for each in project.derive(_own_names)}
    if not named and len(paths) == 1 and (is_own or _is_built_here(project, reference)):
        named = paths
    return image.build(project, files[named[0]], None, None) if len(named) == 1 else None


def _own_names(project: Project) -> set[str]:
    """Return what the project calls itself: the packages that its applications are in."""
    return {folder for each in project.derive(applications) if (folder := each.file.path.rpartition("/")[0])}


def _is_built_here(project: Project, reference: str) -> bool:
    """Whether a script or a workflow of the project builds an image of that name."""
    name = reference.partition("@")[0]
    name = name.rpartition(":")[0] if ":" in name.rpartition("/")[2] else name
    for path in project.tree.files:
        if not _BUILDING.fullmatch(path):
            continue
        source = project.source(path)
        lines = source.lines() if source is not None and name in source.text else []
        if any(name in line and _BUILDS.search(line) for line in lines):
            return True
    return False


def image_of(project: Project, reference: str, container: str = "") -> Image | None:
    """Return the project's image that a platform calls *reference*, where it can be told.

    The *container*'s own name tells where a variable hides the image's.
    """
    name = _last(reference) or _last(container)
    if not name and not reference:
        return None
    built = _by_compose_name(project).get(name) if name else None
    if built is not None:
        return built
    if _OTHERS.fullmatch(reference):
        return None
    files = {each.path: each for each in project.of(Dockerfile)}
    paths = of_production(files)
    named = [path for path in paths if name and _is_named(path, name)]
    alike = [path for path in paths if name and _is_within(path, name)]
    if not named and len(alike) > 1:
        return None  # "nginxshop" beside nginx/ and shop/: either may be meant
    named = named or alike
    made = [image.build(project, files[path], None, None) for path in (named if len(named) == 1 else paths)]
    chosen = [each for each in made if each is not None and not _NO_PYTHON.fullmatch(each.base.value)]
    return chosen[0] if len(chosen) == 1 else None


def _last(reference: str) -> str:
    """Return the name without registry, tag and digest; "" where a variable hides it."""
    name = reference.partition("@")[0].rpartition("/")[2].partition(":")[0]
    return "" if "$" in name or "{" in name or "<" in name else name


def _is_named(path: str, name: str) -> bool:
    folder, _, file = path.rpartition("/")
    words = {posixpath.basename(folder), file.removeprefix("Dockerfile.").removesuffix(".Dockerfile")}
    plain = _plain(name)
    return any(
        plain == _plain(word) or plain.endswith(f"-{_plain(word)}") for word in words - {"Dockerfile", ""}
    )


def _is_within(path: str, name: str) -> bool:
    """Whether the Dockerfile's directory is named within *name*, which is longer: shop/ and "shopapi"."""
    folder = _plain(posixpath.basename(posixpath.dirname(path)))
    return len(folder) >= _TELLING and folder in _plain(name)


def _plain(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _by_compose_name(project: Project) -> dict[str, Image]:
    found: dict[str, Image] = {}
    for each in project.of(Compose):
        for service in each.services:
            said = service.text("image")
            if said and service.build is not None:
                dockerfile = project.one(Dockerfile, service.build.dockerfile)
                target, context = service.build.target, service.build.context
                made = image.build(project, dockerfile, target, context) if dockerfile else None
                if made is not None:
                    found.setdefault(_last(said), made)
    return found
