"""fly.toml: what Fly runs, with which environment, on which port it sends requests, and what it checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunwale.project.facts import Given
from gunwale.project.syntax import toml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gunwale.project.facts import Place, Source

TOPIC = "start"
_WEB = ("app", "web")


@dataclass(frozen=True, slots=True, eq=False)
class FlyApp:
    """One application: its own *command*, None for the image's, the *dockerfile* and *target* it is built of.

    *checks* are the paths that Fly asks for ("" of a check that only connects), *port* where it sends
    requests; *is_built*: from a Dockerfile of the project, and not by a builder or somewhere else.
    """

    path: str
    at: Place
    command: Given[str] | None
    environ: Mapping[str, Given[str]]
    checks: tuple[Given[str], ...]
    port: Given[str] | None
    dockerfile: str = "Dockerfile"
    target: str | None = None
    is_built: bool = True


def is_one(path: str) -> bool:
    """Tell by the name: fly.toml, and those of several environments (fly.production.toml)."""
    name = path.rpartition("/")[2]
    return name == "fly.toml" or (name.startswith("fly.") and name.endswith(".toml"))


def read(source: Source) -> FlyApp:
    """Read one file."""
    values = toml.values(source)
    build, processes = toml.table(values, "build"), toml.table(values, "processes")
    command = next((text for key in _WEB if isinstance(text := processes.get(key), str) and text), None)
    services = [toml.table(values, "http_service"), *_tables(values, "services")]
    port = next((each["internal_port"] for each in services if "internal_port" in each), None)
    return FlyApp(
        source.path,
        _find(source, "app"),
        Given(command, _find(source, command)) if command else None,
        {key: Given(str(value), _find(source, key)) for key, value in toml.table(values, "env").items()},
        tuple(_checks(source, values, services)),
        Given(str(port), _find(source, "internal_port")) if port is not None else None,
        str(build.get("dockerfile", "Dockerfile")),
        str(build["build-target"]) if "build-target" in build else None,
        is_built="image" not in build and "builder" not in build and "buildpacks" not in build,
    )


def _checks(
    source: Source, values: Mapping[str, object], services: list[Mapping[str, object]]
) -> Iterator[Given[str]]:
    several = [
        each for service in services for key in ("checks", "http_checks") for each in _tables(service, key)
    ]
    several += [each for each in toml.table(values, "checks").values() if isinstance(each, dict)]
    for each in several:
        path = str(each.get("path", "/" if each.get("type") == "http" else ""))
        yield Given(path, _find(source, path or "checks"))
    if any(_tables(service, "tcp_checks") for service in services):
        yield Given("", _find(source, "tcp_checks"))


def _tables(values: Mapping[str, object], key: str) -> list[Mapping[str, object]]:
    found = values.get(key)
    several = found if isinstance(found, list) else list(found.values()) if isinstance(found, dict) else []
    return [each for each in several if isinstance(each, dict)]


def _find(source: Source, text: str) -> Place:
    """Return the first line, of no comment, that holds *text*: tomllib keeps no places."""
    lines = enumerate(source.lines(), 1)
    return source.at(next((n for n, line in lines if text in line and not line.lstrip().startswith("#")), 1))
