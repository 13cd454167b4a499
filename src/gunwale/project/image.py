"""Images as a Dockerfile's stages make them: user, command, environment, and where each file comes from."""

from __future__ import annotations

import posixpath
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from gunwale.project.expand import expand
from gunwale.project.facts import Given, Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gunwale.project.model import Project
    from gunwale.project.readers.dockerfile import Dockerfile, Instruction, Stage

_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=((?:\"(?:\\.|[^\"])*\"|'[^']*'|\\.|\S)*)", re.DOTALL)


class Copy(NamedTuple):
    """One COPY or ADD: *sources* as written, of the build context unless *origin* names a stage."""

    sources: tuple[str, ...]
    target: str
    origin: str
    instruction: Instruction


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """What one stage of a Dockerfile builds, everything inherited from the stages below it put in.

    *base* is the image outside the file that it begins with, *stages* from that one up to this one.
    *context* is the build context, from the project's root. None means that no stage says it.
    """

    dockerfile: Dockerfile
    stages: tuple[Stage, ...]
    base: Given[str]
    context: str
    environ: Mapping[str, Given[str]]
    workdir: str
    user: Instruction | None
    entrypoint: Instruction | None
    cmd: Instruction | None
    healthcheck: Instruction | None
    stop_signal: Instruction | None
    copies: tuple[Copy, ...]

    @property
    def stage(self) -> Stage:
        """The stage that is built."""
        return self.stages[-1]

    @property
    def at(self) -> Place:
        """What a finding about the whole image points at: its command, else where its stage begins."""
        found = self.cmd or self.entrypoint
        return found.at if found else self.stage.start.at

    def instructions(self, *keywords: str) -> list[Instruction]:
        """Return the instructions of those *keywords* of all its stages, in order."""
        return [each for stage in self.stages for each in stage.all(*keywords)]

    def find(self, project: Project, path: str) -> str | None:
        """Return the project's file that *path* in the container is a copy of, or None."""
        inside = posixpath.normpath(posixpath.join(self.workdir, path))
        for copy in reversed(self.copies):
            if not copy.origin:
                for candidate in _origins(copy, inside):
                    found = posixpath.normpath(posixpath.join(self.context, candidate))
                    if found in project.tree:
                        return found
        return None


def build(project: Project, dockerfile: Dockerfile, target: str | None, context: str | None) -> Image | None:
    """Put together the image of stage *target* (None: the last); None where there is no such stage."""
    stage = dockerfile.stage(target)
    if stage is None:
        return None
    stages = [stage]
    arguments = {name: given.value for each in dockerfile.arguments for name, given in pairs(each).items()}
    while True:
        base = expand(stages[0].base, arguments).text
        below = next(
            (s for s in dockerfile.stages[: stages[0].index] if s.name.lower() == base.lower()), None
        )
        if below is None:
            break
        stages.insert(0, below)
    environ, workdir, copies = _read(stages, arguments)

    def last(keyword: str) -> Instruction | None:
        return next((found for each in reversed(stages) if (found := each.last(keyword))), None)

    return Image(
        dockerfile=dockerfile,
        stages=tuple(stages),
        base=Given(base, stages[0].start.at),
        context=context if context is not None else _context(project, dockerfile, copies),
        environ=environ,
        workdir=workdir,
        user=last("USER"),
        entrypoint=last("ENTRYPOINT"),
        cmd=_command(stages),
        healthcheck=last("HEALTHCHECK"),
        stop_signal=last("STOPSIGNAL"),
        copies=tuple(copies),
    )


def _command(stages: list[Stage]) -> Instruction | None:
    """Return the CMD that counts: an ENTRYPOINT of a later stage takes an inherited CMD away."""
    for stage in reversed(stages):
        if stage.last("CMD") or stage.last("ENTRYPOINT"):
            return stage.last("CMD")
    return None


def pairs(instruction: Instruction) -> dict[str, Given[str]]:
    """Return the names that an ENV or ARG gives a value, as written."""
    text = instruction.value
    found = {match[1]: Given(_unquoted(match[2]), instruction.at) for match in _ASSIGNMENT.finditer(text)}
    if not found and instruction.keyword == "ENV":  # the old form: ENV NAME the rest of the line
        name, _, rest = text.partition(" ")
        found = {name: Given(rest.strip(), instruction.at)} if rest else {}
    return found


def _unquoted(text: str) -> str:
    try:
        return "".join(shlex.split(text, posix=True)) if "$" not in text else text.strip("\"'")
    except ValueError:
        return text


def _read(stages: list[Stage], arguments: Mapping[str, str]) -> tuple[dict[str, Given[str]], str, list[Copy]]:
    environ: dict[str, Given[str]] = {}
    workdir = "/"
    copies: list[Copy] = []
    for stage in stages:
        values = {name: given.value for name, given in environ.items()}
        for each in stage.instructions:
            if each.keyword == "ARG":
                given = pairs(each) or {each.value: Given(arguments.get(each.value, ""), each.at)}
                values |= {k: v.value for k, v in given.items() if k not in environ and v.value}
            elif each.keyword == "ENV":
                for name, written in pairs(each).items():
                    expanded = expand(written.value, values)
                    environ[name] = Given(expanded.text, written.at, expanded.variables)
                    values[name] = expanded.text
            elif each.keyword == "WORKDIR":
                workdir = posixpath.normpath(
                    posixpath.join(workdir, expand(each.value.strip("\"'"), values).text)
                )
            elif each.keyword in ("COPY", "ADD"):
                copies += _copy(each, workdir, values)
    return environ, workdir, copies


def _copy(instruction: Instruction, workdir: str, values: Mapping[str, str]) -> Iterator[Copy]:
    words = list(instruction.words or instruction.value.split())
    if len(words) >= 2:
        words = [expand(word, values).text for word in words]
        target = posixpath.join(workdir, words[-1])
        is_folder = words[-1].endswith(("/", ".")) or len(words) > 2
        target = posixpath.normpath(target) + ("/" if is_folder else "")
        yield Copy(tuple(words[:-1]), target, instruction.flag("from") or "", instruction)


def _origins(copy: Copy, inside: str) -> Iterator[str]:
    """Yield where in the context the file *inside* the container may come from, by one COPY."""
    target = copy.target.rstrip("/") or "/"
    for source in copy.sources:
        clean = posixpath.normpath(source.lstrip("/"))
        if inside == target:
            yield clean
        prefix = target if target.endswith("/") else f"{target}/"
        if inside.startswith(prefix):
            below = inside.removeprefix(prefix)
            if copy.target.endswith("/") and posixpath.basename(clean) == below:
                yield clean
            yield posixpath.join(clean, below)  # a directory's content goes to the target


def _context(project: Project, dockerfile: Dockerfile, copies: list[Copy]) -> str:
    """Guess the build context where nothing names it: the nearest directory that holds what is copied."""
    folder = posixpath.dirname(dockerfile.path)
    wanted = [s for copy in copies if not copy.origin for s in copy.sources if "*" not in s and "$" not in s]
    best, most = folder, -1
    while True:
        there = [posixpath.normpath(posixpath.join(folder, s.lstrip("/"))) for s in wanted]
        count = sum(path in project.tree or project.tree.is_folder(path) for path in there)
        if count > most:
            best, most = folder, count
        if not folder:
            return best
        folder = posixpath.dirname(folder)
