"""Compose files: services with the image each builds and how it is run; variables with defaults put in."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunwale.project.expand import expand
from gunwale.project.syntax import yaml

if TYPE_CHECKING:
    from gunwale.project.facts import Place, Source

TOPIC = "start"
DEFAULT = "Dockerfile"
_NAME = re.compile(r"(?:docker-)?compose(?:[.\-_][\w.\-]+)?\.ya?ml|(?:docker-)?stack[\w.\-]*\.ya?ml")


@dataclass(frozen=True, slots=True)
class Build:
    """What a service is built of: *context* and *dockerfile* from the project's root, *target* stage."""

    context: str
    dockerfile: str
    target: str | None


@dataclass(frozen=True, slots=True)
class Port:
    """A published port: the *host* address ("" every interface), both ports as written."""

    host: str
    published: str
    target: str
    at: Place

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        return self.host in ("127.0.0.1", "localhost", "::1", "[::1]")


@dataclass(frozen=True, slots=True, eq=False)
class Service:
    """One service: *node* holds everything it says, *build* what it is built of."""

    name: str
    node: yaml.Node
    at: Place
    path: str
    build: Build | None

    def get(self, *keys: str) -> yaml.Node | None:
        """Return what the service says at that path of keys."""
        return self.node.get(*keys)

    def text(self, *keys: str) -> str | None:
        """Return the text there, variables with defaults put in; None where there is none, or unknown."""
        found = self.node.get(*keys)
        if found is None or found.text is None:
            return None
        expanded = expand(found.text, {})
        return None if expanded.missing else expanded.text

    @property
    def environ(self) -> dict[str, yaml.Node]:
        """What ``environment`` gives, by name; a name without a value is left out: it comes from outside."""
        node = self.node.get("environment")
        if node is None:
            return {}
        given = {key: value for key, value in node.items() if value.text is not None}
        for each in node.elements:
            name, equals, value = (each.text or "").partition("=")
            if equals:
                given[name] = yaml.Node(each.at, value)
        return given

    @property
    def env_files(self) -> list[str]:
        """The files of ``env_file``, from the project's root."""
        node = self.node.get("env_file")
        if node is None:
            return []
        paths = [*node.texts(), *(each.get("path") for each in node.elements if each.get("path"))]
        return [_joined(self.path, text) for each in paths if (text := _as_text(each))]

    @property
    def ports(self) -> list[Port]:
        """What it publishes on the host."""
        node = self.node.get("ports")
        return [port for each in (node.elements if node else ()) if (port := _port(each))]


@dataclass(frozen=True, slots=True, eq=False)
class Compose:
    """One compose file."""

    path: str
    node: yaml.Node
    services: tuple[Service, ...]


def is_one(path: str) -> bool:
    """Tell by the name: compose.yaml, docker-compose.prod.yml, stack.yml."""
    return _NAME.fullmatch(path.rpartition("/")[2].lower()) is not None


def read(source: Source) -> Compose | None:
    """Read one file; None where it has no services."""
    documents = yaml.documents(source)
    node = documents[0] if documents else None
    services = node.get("services") if node else None
    if node is not None and services is None and _is_first_format(node):
        services = node
    if node is None or services is None:
        return None
    found = tuple(
        Service(name, each, services.key_at(name), source.path, _build(source.path, each))
        for name, each in services.items()
    )
    return Compose(source.path, node, found)


def _is_first_format(node: yaml.Node) -> bool:
    """Whether every entry is a service: so it was before compose files had versions."""
    entries = list(node.items())
    return bool(entries) and all(each.get("image") or each.get("build") for _, each in entries)


def _build(path: str, service: yaml.Node) -> Build | None:
    node = service.get("build")
    if node is None:
        return None

    def word(key: str) -> str | None:
        found = node.get(key)
        return expand(found.text, {}).text if found is not None and found.text else None

    context = _joined(path, expand(node.text, {}).text if node.text else word("context") or ".")
    dockerfile = posixpath.normpath(posixpath.join(context, word("dockerfile") or DEFAULT))
    return Build(context, dockerfile, word("target"))


def _joined(path: str, relative: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), relative))


def _as_text(value: object) -> str | None:
    return value if isinstance(value, str) else getattr(value, "text", None)


def _port(node: yaml.Node) -> Port | None:
    if node.text is None:
        target, published = node.get("target"), node.get("published")
        if target is None or published is None:
            return None
        address = node.get("host_ip")
        return Port((address.text if address else "") or "", published.text or "", target.text or "", node.at)
    text = expand(node.text, {}).text.partition("/")[0]
    host, _, rest = text.rpartition("]:") if text.startswith("[") else ("", "", text)
    parts = rest.split(":")
    if len(parts) == 1 and not host:
        return Port("", "", parts[0], node.at)
    if len(parts) == 3:
        host = parts.pop(0)
    return Port(host.lstrip("["), parts[0], parts[-1], node.at)
