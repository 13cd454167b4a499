"""A compose service: the image it builds, with its own command, entrypoint and environment over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.project import image, launch
from gunwale.project.containers import named_image
from gunwale.project.expand import expand
from gunwale.project.facts import Given
from gunwale.project.readers.compose import DEFAULT, Compose, Service
from gunwale.project.readers.dockerfile import Dockerfile
from gunwale.project.readers.environment_file import EnvironmentFile
from gunwale.project.roles import of_production

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.image import Image
    from gunwale.project.model import Project


def launches(project: Project) -> Iterator[launch.Launch]:
    """Yield a launch for every service of production that builds an image of the project."""
    files = {each.path: each for each in project.of(Compose)}
    for path in of_production(files):
        for service in files[path].services:
            found = _launch(project, service) if service.build is not None else _named(project, service)
            if found is not None:
                yield found


def _launch(project: Project, service: Service) -> launch.Launch | None:
    assert service.build is not None
    path = service.build.dockerfile
    # Docker itself looks for the name in lower case where it is not told of any.
    lower = f"{path.removesuffix(DEFAULT)}{DEFAULT.lower()}" if path.endswith(DEFAULT) else path
    dockerfile = project.one(Dockerfile, path if path in project.tree else lower)
    if dockerfile is None:
        why = f"{service.at}: service {service.name} builds {service.build.dockerfile}, which cannot be read"
        project.leave_unchecked("start", why)
        return None
    made = image.build(project, dockerfile, service.build.target, service.build.context, _arguments(service))
    if made is None:
        project.leave_unchecked("start", f"{service.at}: there is no stage {service.build.target!r}")
        return None
    return _of(project, service, made)


def _of(project: Project, service: Service, made: Image) -> launch.Launch:
    return launch.Launch(
        kind="compose",
        title=f"{service.path}: service {service.name}",
        at=service.at,
        words=_words(service, made),
        environ=_environ(project, service, made),
        image=made,
        service=service,
    )


def _named(project: Project, service: Service) -> launch.Launch | None:
    """Return the launch of an image of the project that the service only names."""
    made = named_image(project, service.text("image") or "")
    return _of(project, service, made) if made is not None else None


def _arguments(service: Service) -> dict[str, str]:
    """Return the build's ``args``; one without a value comes from outside."""
    node = service.get("build", "args")
    if node is None:
        return {}
    pairs = [each.partition("=") for each in node.texts() if "=" in each]
    written = {name: value for name, _, value in pairs} | {k: v.text for k, v in node.items() if v.text}
    expanded = {name: expand(text, {}) for name, text in written.items()}
    return {name: each.text for name, each in expanded.items() if not each.missing}


def _words(service: Service, made: Image) -> launch.Words:
    """Put ``entrypoint`` and ``command`` over the image's; an entrypoint takes the image's CMD away."""
    entrypoint, command = _given(service, "entrypoint"), _given(service, "command")
    if entrypoint is not None:
        return entrypoint + (command or ())
    if command is None:
        return launch.of_image(made)
    if made.entrypoint is not None and made.entrypoint.words is None:
        return launch.of_instruction(made.entrypoint)
    return launch.of_instruction(made.entrypoint) + command


def _given(service: Service, key: str) -> launch.Words | None:
    node = service.get(key)
    if node is None:
        return None
    if node.text is None:
        return tuple(
            Given(expand(each.text, {}).text, each.at) for each in node.elements if each.text is not None
        )
    # compose splits a text as a shell does, and runs it without one
    return launch.given(launch.split(expand(node.text, {}).text), node.at)


def _environ(project: Project, service: Service, made: Image) -> dict[str, Given[str]]:
    environ = dict(made.environ)
    for path in service.env_files:
        file = project.one(EnvironmentFile, path) if path in project.tree else None
        environ |= file.values if file else {}
    for name, node in service.environ.items():
        expanded = expand(node.text or "", {})
        if not expanded.missing:
            environ[name] = Given(expanded.text, node.at, expanded.variables)
        else:
            environ.pop(name, None)
    return environ
