"""Images as a Dockerfile's stages make them: user, command, environment, and where each file comes from."""

from __future__ import annotations

import posixpath
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from gunwale.project.expand import expand
from gunwale.project.facts import Given, Place
from gunwale.project.readers import dockerfile as reader

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gunwale.project.model import Project
    from gunwale.project.readers.dockerfile import Dockerfile, Instruction, Stage

ELSEWHERE = "another build"  # a copy's origin, where the context is that of another Dockerfile
_OWN_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_PUBLIC = frozenset(
    ["alpine", "busybox", "debian", "fedora", "nginx", "node", "pypy", "python", "scratch", "ubuntu"]
)
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

    *base* is the image outside the project that it begins with, *stages* from that one up to this one.
    *context* is the build context, from the project's root; *arguments* are those the build is given.
    None means that no stage says it.
    """

    dockerfile: Dockerfile
    stages: tuple[Stage, ...]
    base: Given[str]
    arguments: Mapping[str, str]
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
            stage = self.origin(project, copy)
            for candidate in _origins(copy, inside):
                if stage is not None:
                    found = stage.find(project, f"/{candidate}")
                    if found is not None:
                        return found
                elif not copy.origin:
                    found = posixpath.normpath(posixpath.join(self.context, candidate))
                    if found in project.tree:
                        return found
        return None

    def origin(self, project: Project, copy: Copy) -> Image | None:
        """Return the image of the earlier stage that *copy* takes from, if it takes from one."""
        if not copy.origin:
            return None
        stage = self.dockerfile.stage(copy.origin)
        if stage is None or stage.index >= self.stage.index:
            return None
        return build(project, self.dockerfile, copy.origin, self.context, self.arguments)


def build(
    project: Project,
    dockerfile: Dockerfile,
    target: str | None,
    context: str | None,
    arguments: Mapping[str, str] | None = None,
) -> Image | None:
    """Put together the image of stage *target* (None: the last); None where there is no such stage.

    *arguments* are those of the build: they outweigh the defaults of ARG.
    """
    stage = dockerfile.stage(target)
    if stage is None:
        return None
    given = dict(arguments or {})
    stages, base, defaults = _below(project, dockerfile, stage, given)
    foreign = sum(each.start.at.path != dockerfile.path for each in stages)
    environ, workdir, copies = _read(stages, defaults, given, foreign)

    def last(keyword: str) -> Instruction | None:
        return next((found for each in reversed(stages) if (found := each.last(keyword))), None)

    return Image(
        dockerfile=dockerfile,
        stages=tuple(stages),
        base=Given(base, stages[0].start.at),
        arguments=given,
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


def _below(
    project: Project, dockerfile: Dockerfile, stage: Stage, given: Mapping[str, str]
) -> tuple[list[Stage], str, dict[str, str]]:
    """Return *stage* with those below it, the base of the lowest, and the values of the global ARGs."""
    stages, file, defaults = [stage], dockerfile, _global_arguments(dockerfile, given)
    seen = {dockerfile.path}
    while True:
        base = expand(stages[0].base, defaults).text
        below = next((s for s in file.stages[: stages[0].index] if s.name.lower() == base.lower()), None)
        if below is None:
            other = _other(project, base)
            if other is None or other.path in seen:
                return stages, base, defaults
            seen.add(other.path)
            file, below = other, other.stages[-1]
            defaults |= {k: v for k, v in _global_arguments(other, given).items() if k not in defaults}
        stages.insert(0, below)


def _global_arguments(dockerfile: Dockerfile, given: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in dockerfile.arguments:
        for name, written in pairs(each).items():
            found[name] = given.get(name, expand(written.value, found).text)
    return found


def _other(project: Project, base: str) -> Dockerfile | None:
    """Return the project's own Dockerfile that *base* is built of, where its name is that of one only.

    ``FROM base`` means base/Dockerfile, base.Dockerfile or Dockerfile.base: a build of several images names
    them so (docker buildx bake, a Makefile). A name with a tag or a registry is somebody else's.
    """
    if not _OWN_NAME.fullmatch(base) or base in _PUBLIC:
        return None
    wanted = {f"{base}/Dockerfile", f"{base}.Dockerfile", f"Dockerfile.{base}"}
    found = [path for path in project.tree.files if any(f"/{path}".endswith(f"/{each}") for each in wanted)]
    return project.one(reader.Dockerfile, found[0]) if len(found) == 1 else None


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


def _read(
    stages: list[Stage], defaults: Mapping[str, str], given: Mapping[str, str], foreign: int
) -> tuple[dict[str, Given[str]], str, list[Copy]]:
    """Read what *stages* say in order; the first *foreign* of them have a context that is not ours."""
    environ: dict[str, Given[str]] = {}
    workdir = "/"
    copies: list[Copy] = []
    for number, stage in enumerate(stages):
        values = {name: said.value for name, said in environ.items()}
        for each in stage.instructions:
            if each.keyword == "ARG":
                said = pairs(each) or {each.value: Given(defaults.get(each.value, ""), each.at)}
                argued = {name: given.get(name, written.value) for name, written in said.items()}
                values |= {name: text for name, text in argued.items() if name not in environ and text}
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
                found = _copy(each, workdir, values)
                copies += [c._replace(origin=c.origin or ELSEWHERE) if number < foreign else c for c in found]
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
