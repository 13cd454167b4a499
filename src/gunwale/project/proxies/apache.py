"""Apache: every ProxyPass with what is said around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale import units
from gunwale.project.facts import Given
from gunwale.project.passage import BY_FIELD, Passage, target
from gunwale.project.readers.apache import Apache, Directive, walk
from gunwale.project.roles import of_production
from gunwale.project.services import service_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project
    from gunwale.project.readers.compose import Service

_HEADERS = {
    "set": "overwrite",
    "add": "append",
    "append": "append",
    "unset": "drop",
    "setifempty": "if-absent",
}


def passages(project: Project) -> Iterator[Passage]:
    """Yield each ProxyPass of the files of production."""
    files = {each.path: each for each in project.of(Apache)}
    for path in of_production(files):
        service = service_of(project, path)
        for found, around in _ways(files[path].directives, ()):
            yield _passage(found, around, service)


def _ways(
    directives: tuple[Directive, ...], outer: tuple[Directive, ...]
) -> Iterator[tuple[Directive, tuple[Directive, ...]]]:
    """Yield each ProxyPass with all directives that are in force there, sections without their own."""
    here = (*outer, *(each for each in directives if each.block is None or each.name.startswith("if")))
    for each in directives:
        if each.name in ("proxypass", "proxypassmatch") and each.words and each.words[-1] != "!":
            yield each, here
        elif each.block is not None:
            yield from _ways(each.block, (*here, each))


def _passage(found: Directive, around: tuple[Directive, ...], service: Service | None) -> Passage:
    every = [inner for each in around for inner in (walk((each,)) if each.name.startswith("if") else (each,))]
    said = {each.name: each.words[0].lower() for each in every if each.words}
    operations, sends = {}, {}
    for each in every:
        if each.name == "requestheader" and len(each.words) > 1:
            field = each.words[1].lower()
            sends[field] = each.at
            if field in BY_FIELD:
                is_clients = "%{X-" in " ".join(each.words[2:])
                operations[BY_FIELD[field]] = (
                    "unknown" if is_clients else _HEADERS.get(each.words[0].lower(), "unknown")
                )
    like = "apache"
    if said.get("proxyaddheaders") == "off":
        like = "apache-no-headers"
    elif "remoteipheader" in said:
        like = "apache-remoteip"
    ports = [word for each in every if each.name == "virtualhost" for word in each.words]
    goal = next((word for word in found.words if "://" in word), found.words[-1])
    timeout = next((each for each in every if each.name == "proxytimeout" and each.words), None)
    return Passage(
        proxy="Apache",
        like=like,
        at=found.at,
        targets=(target(goal.partition("|")[0]),),
        operations=operations,
        sends=sends,
        keeps_host=said.get("proxypreservehost") == "on",
        is_tls=said.get("sslengine") == "on" or any(port.endswith(":443") for port in ports),
        path=found.words[0] if len(found.words) > 1 else "/",
        service=service,
        read_timeout=Given(units.seconds(timeout.words[0]), timeout.at)
        if timeout and timeout.words[0].isdigit()
        else None,
    )
