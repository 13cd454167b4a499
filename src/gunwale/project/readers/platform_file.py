"""What platforms read to start an application: App Engine, Render, Cloud Foundry, Heroku and others.

Each process is a command, or none where the platform brings the server itself.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunwale.project.facts import Given
from gunwale.project.syntax import toml, yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gunwale.project.facts import Place, Source

TOPIC = "start"
_NAMES = re.compile(
    r"(?:.*/)?(?:app\.ya?ml|render\.ya?ml|heroku\.yml|manifest\.ya?ml|apprunner\.ya?ml|"
    r"railway\.(?:toml|json)|nixpacks\.toml)"
)
_PYTHON = re.compile(r"python|custom", re.IGNORECASE)


@dataclass(frozen=True, slots=True, eq=False)
class Process:
    """A process: its *command*, None where the platform brings the server, and its *environ*.

    *in_image*: it runs in the image of the Dockerfile beside the file. *application*: which one a server of
    the platform's own runs, that is not Gunicorn.
    """

    command: Given[str] | None
    at: Place
    environ: Mapping[str, Given[str]]
    in_image: bool = False
    application: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class PlatformFile:
    """The web processes of one file."""

    path: str
    processes: tuple[Process, ...]


def is_one(path: str) -> bool:
    """Tell by the name."""
    return _NAMES.fullmatch(path) is not None


def read(source: Source) -> PlatformFile | None:
    """Read one file; None where it starts nothing."""
    name = posixpath.basename(source.path)
    found = _toml(source) if name.endswith(".toml") else _yaml(source, name.partition(".")[0])
    processes = tuple(found)
    return PlatformFile(source.path, processes) if processes else None


def _yaml(source: Source, name: str) -> Iterator[Process]:  # noqa: C901 - one case a platform
    documents = yaml.documents(source)
    node = documents[0] if documents else None
    if node is None or node.get("apiVersion") is not None:  # Kubernetes has an app.yaml too
        return
    if name == "app" and node.get("runtime") is not None:
        yield from _app_engine(node)
    elif name == "manifest":
        for each in _elements(node, "applications"):
            yield from _process(each, "command", each.get("env"))
    elif name == "heroku":
        run = node.get("run")
        web = run.get("web") if run is not None else None
        if web is not None and run is not None:
            in_image = node.get("build", "docker") is not None
            yield from _process(run if web.text else web, "web" if web.text else "command", None, in_image)
    elif name == "apprunner":
        yield from _process(node.get("run") or node, "command", node.get("run", "env"))
    elif name == "railway":
        yield from _process(node.get("deploy") or node, "startCommand", None)
    else:  # render.yaml, and DigitalOcean's app.yaml
        for each in _elements(node, "services"):
            kind = each.get("type")
            if kind is None or kind.text in ("web", "pserv"):
                key = "startCommand" if each.get("startCommand") else "run_command"
                yield from _process(each, key, each.get("envVars") or each.get("envs"))


def _app_engine(node: yaml.Node) -> Iterator[Process]:
    runtime = node.get("runtime")
    if runtime is None or not _PYTHON.match(runtime.text or "") or runtime.text == "custom":
        return
    if runtime.text == "python27":  # its handlers name scripts, which App Engine's own server runs
        scripts = [each.get("script") for each in _elements(node, "handlers")]
        last = next((each for each in reversed(scripts) if each is not None and each.text), None)
        if last is not None:
            environ = _environ(node.get("env_variables"))
            yield Process(None, last.at, environ, application=_wsgi(last.text or ""))
        return
    entrypoint = node.get("entrypoint")
    command = Given(entrypoint.text, entrypoint.at) if entrypoint is not None and entrypoint.text else None
    yield Process(command, entrypoint.at if entrypoint else runtime.at, _environ(node.get("env_variables")))


def _wsgi(script: str) -> str:
    """Write ``main.app``, as handlers do, the way servers are told it."""
    module, _, name = script.removesuffix(".py").rpartition(".")
    return f"{module}:{name}" if module else f"{name}:app"


def _process(
    node: yaml.Node,
    key: str,
    environ: yaml.Node | None,
    in_image: bool = False,  # noqa: FBT001, FBT002
) -> Iterator[Process]:
    command = node.get(key)
    texts = command.texts() if command is not None else []
    if command is not None and texts:
        yield Process(Given(" ".join(texts), command.at), command.at, _environ(environ), in_image)


def _environ(node: yaml.Node | None) -> dict[str, Given[str]]:
    if node is None:
        return {}
    found = {key: Given(each.text, each.at) for key, each in node.items() if each.text is not None}
    for each in node.elements:
        name, value = each.get("key") or each.get("name"), each.get("value")
        if name is not None and name.text and value is not None and value.text is not None:
            found[name.text] = Given(value.text, value.at)
    return found


def _elements(node: yaml.Node, key: str) -> tuple[yaml.Node, ...]:
    found = node.get(key)
    return found.elements if found is not None else ()


def _toml(source: Source) -> Iterator[Process]:
    values = toml.values(source)
    name = posixpath.basename(source.path)
    table, keys = {
        "railway.toml": ("deploy", ("startCommand",)),
        "nixpacks.toml": ("start", ("cmd",)),
    }[name]
    section = values.get(table)
    given = section if isinstance(section, dict) else {}
    command = next((given[key] for key in keys if isinstance(given.get(key), str)), None)
    if command:
        lines = source.lines()
        line = next((n for n, text in enumerate(lines, 1) if command in text), 1)
        yield Process(Given(command, source.at(line)), source.at(line), {})
