"""HAProxy: every way from a frontend to the servers of a backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale import units
from gunwale.project.facts import Given
from gunwale.project.passage import BY_FIELD, Passage, target
from gunwale.project.readers.haproxy import HAProxy, Line, Section
from gunwale.project.roles import of_production
from gunwale.project.services import service_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project
    from gunwale.project.readers.compose import Service

_RULES = {"set-header": "overwrite", "add-header": "append", "del-header": "drop"}


def passages(project: Project) -> Iterator[Passage]:
    """Yield each pair of a frontend and a backend that the files of production join."""
    files = {each.path: each for each in project.of(HAProxy)}
    for path in of_production(files):
        service = service_of(project, path)
        for front, back, defaults in _ways(files[path]):
            found = _passage([defaults, front, back], back, service)
            if found is not None:
                yield found


def _ways(file: HAProxy) -> Iterator[tuple[Section, Section, Section]]:
    backs = {each.name: each for each in file.sections if each.kind == "backend"}
    defaults = Section("defaults", "", ())
    for each in file.sections:
        if each.kind == "defaults":
            defaults = each
        elif each.kind == "listen":
            yield each, each, defaults
        elif each.kind == "frontend":
            uses = [*each.all("default_backend"), *each.all("use_backend")]
            names = dict.fromkeys(line.words[1] for line in uses if len(line.words) > 1)
            for name in names:
                if name in backs:
                    yield each, backs[name], defaults


def _passage(sections: list[Section], back: Section, service: Service | None) -> Passage | None:
    servers = [line for line in back.all("server") if len(line.words) > 2]
    front = sections[1]
    if not servers or any(
        line.words[1:] == ("tcp",) for line in (*sections[0].all("mode"), *front.all("mode"))
    ):
        return None
    operations: dict[str, str] = {}
    sends = {}
    for line in (line for section in dict.fromkeys(sections) for line in section.lines):
        for name, operation in _written(line):
            sends[name] = line.at
            if name in BY_FIELD:
                operations[BY_FIELD[name]] = operation
    times = [line for section in sections for line in section.all("timeout", "server") if len(line.words) > 2]
    return Passage(
        proxy="HAProxy",
        like="haproxy",
        at=servers[0].at,
        targets=tuple(target(line.words[2]) for line in servers),
        operations=operations,
        sends=sends,
        is_tls=any("ssl" in line.words for line in front.all("bind")),
        service=service,
        read_timeout=_seconds(times[-1]) if times else None,
    )


def _written(line: Line) -> Iterator[tuple[str, str]]:
    """Yield the field a line writes, and how; a rule with a condition may not."""
    words = line.words
    if words[:2] == ("option", "forwardfor"):
        yield "x-forwarded-for", "if-absent" if "if-none" in words else "append"
    elif words[:2] == ("option", "forwarded"):
        yield "forwarded", "append"
    elif words[0] == "http-request" and len(words) > 2 and words[1] in _RULES:
        is_conditional = any(word in ("if", "unless") for word in words[3:]) and "ssl_fc" not in " ".join(
            words
        )
        is_clients = any("hdr(" in word or "req.hdr" in word for word in words[3:4])
        operation = "pass" if is_clients else _RULES[words[1]]
        yield words[2].lower(), "unknown" if is_conditional else operation


def _seconds(line: Line) -> Given[float] | None:
    text = line.words[2]
    try:  # a number without a unit is milliseconds
        return Given(units.seconds(f"{text}ms" if text.isdigit() else text), line.at)
    except ValueError:
        return None
