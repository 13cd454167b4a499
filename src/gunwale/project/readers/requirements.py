"""What the project installs: requirements files, pyproject.toml and locks, with the versions they allow."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunwale.project.facts import UnreadableError
from gunwale.project.syntax import toml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gunwale.project.facts import Place, Source

TOPIC = "no-wsgi"
_NAMES = ("pyproject.toml", "Pipfile", "Pipfile.lock", "uv.lock", "poetry.lock", "setup.cfg")
_REQUIREMENT = re.compile(
    r"\s*([A-Za-z0-9][\w.-]*)\s*(?:\[([^\]]*)\])?\s*\(?((?:[=<>!~^][^;#]*|\d[^;#]*|\*)?)"
)


@dataclass(frozen=True, slots=True)
class Requirement:
    """One package that is installed: its normalised *name*, *extras*, and the *specifier* as written."""

    name: str
    extras: tuple[str, ...]
    specifier: str
    at: Place

    @property
    def pinned(self) -> tuple[int, ...] | None:
        """The version, where exactly one is allowed (or one series: ~=2.3.2 gives (2, 3, 2))."""
        match = re.fullmatch(r"(?:===?|~=)\s*v?(\d+(?:\.\d+)*)\S*\s*", self.specifier)
        return tuple(int(each) for each in match[1].split(".")) if match else None

    def may_be(self, *version: int) -> bool:
        """Whether *version* or a later one may be installed."""
        if self.pinned is not None:
            return self.pinned >= version
        below = re.findall(r"<(=?)\s*(\d+(?:\.\d+)*)", self.specifier)
        return all(_numbers(top) > version or (equal and _numbers(top) == version) for equal, top in below)

    def must_be(self, *version: int) -> bool:
        """Whether nothing below *version* may be installed."""
        bounds = re.findall(r"(?:>=?|===?|~=|\^)\s*(\d+(?:\.\d+)*)", self.specifier)
        return any(_numbers(each) >= version for each in bounds)


@dataclass(frozen=True, slots=True)
class Requirements:
    """The requirements of one file; *is_lock*: it also holds what others require."""

    path: str
    requirements: tuple[Requirement, ...]
    scripts: Mapping[str, tuple[str, Place]]
    is_lock: bool = False


def is_one(path: str) -> bool:
    """Tell by the name."""
    name = path.rpartition("/")[2]
    is_text = name.endswith((".txt", ".in")) and ("requirement" in path or name == "constraints.txt")
    return is_text or name in _NAMES


def read(source: Source) -> Requirements:
    """Read one file."""
    name = source.path.rpartition("/")[2]
    if name.endswith((".txt", ".in")):
        return Requirements(source.path, tuple(_lines(source)), {})
    if name == "setup.cfg":
        return Requirements(source.path, (), {})
    if name == "Pipfile.lock":
        return Requirements(source.path, tuple(_locked_by_pipenv(source)), {}, is_lock=True)
    table = toml.values(source)
    if name.endswith(".lock"):
        return Requirements(source.path, tuple(_locked(source, table)), {}, is_lock=True)
    return Requirements(source.path, tuple(_declared(source, table)), dict(_scripts(source, table)))


def parse(text: str, at: Place) -> Requirement | None:
    """Read one requirement as pip writes it."""
    match = _REQUIREMENT.match(text)
    if match is None:
        return None
    extras = tuple(each.strip() for each in (match[2] or "").split(",") if each.strip())
    return Requirement(normalised(match[1]), extras, match[3].strip().rstrip(")"), at)


def normalised(name: str) -> str:
    """Return a package's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(each) for each in text.split("."))


def _lines(source: Source) -> Iterator[Requirement]:
    for number, line in enumerate(source.lines(), 1):
        if line.strip() and not line.lstrip().startswith(("#", "-")):
            found = parse(line, source.at(number))
            if found is not None:
                yield found


def _declared(source: Source, table: Mapping[str, object]) -> Iterator[Requirement]:
    project = toml.table(table, "project")
    written = list(_list(project, "dependencies"))
    for several in toml.table(project, "optional-dependencies").values():
        written += several if isinstance(several, list) else []
    for each in written:
        if isinstance(each, str):
            found = parse(each, _find(source, each))
            if found is not None:
                yield found
    poetry = toml.table(toml.table(table, "tool"), "poetry")
    for section in (toml.table(poetry, "dependencies"), toml.table(table, "packages")):
        for name, value in section.items():
            version = value.get("version", "") if isinstance(value, dict) else value
            given = parse(f"{name} {version}", _find(source, name))
            if given is not None:
                specifier = f"=={version}" if str(version)[:1].isdigit() else str(version)
                yield Requirement(given.name, (), specifier, given.at)


def _locked(source: Source, table: Mapping[str, object]) -> Iterator[Requirement]:
    for each in _list(table, "package"):
        if isinstance(each, dict) and isinstance(each.get("name"), str):
            name, version = each["name"], each.get("version", "")
            yield Requirement(normalised(name), (), f"=={version}", _find(source, f'name = "{name}"'))


def _locked_by_pipenv(source: Source) -> Iterator[Requirement]:
    try:
        table = json.loads(source.text)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"broken JSON: {error}") from error
    packages = table.get("default") if isinstance(table, dict) else None
    for name, each in packages.items() if isinstance(packages, dict) else ():
        version = each.get("version") if isinstance(each, dict) else None
        if isinstance(version, str):
            yield Requirement(normalised(name), (), version, _find(source, f'"{name}":'))


def _scripts(source: Source, table: Mapping[str, object]) -> Iterator[tuple[str, tuple[str, Place]]]:
    poetry = toml.table(toml.table(table, "tool"), "poetry")
    for section in (toml.table(toml.table(table, "project"), "scripts"), toml.table(poetry, "scripts")):
        for name, target in section.items():
            if isinstance(target, str):
                yield name, (target, _find(source, target))


def _list(table: Mapping[str, object], key: str) -> list[object]:
    found = table.get(key)
    return found if isinstance(found, list) else []


def _find(source: Source, text: str) -> Place:
    """Return the first line that holds *text*: tomllib keeps no places."""
    for number, line in enumerate(source.lines(), 1):
        if text in line:
            return source.at(number, line.index(text) + 1)
    return source.at(1)
