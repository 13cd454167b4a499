"""Dockerfiles: instructions with their places, grouped by stage.

Written here because dockerfile-parse 2.0.1 takes a heredoc's lines for instructions (docs/decisions/0004).
The grammar is of https://docs.docker.com/reference/dockerfile/ (read 2026-11-22).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunwale.project.facts import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place, Source

TOPIC = "image"
KEYWORDS = frozenset(
    [
        "ADD",
        "ARG",
        "CMD",
        "COPY",
        "ENTRYPOINT",
        "ENV",
        "EXPOSE",
        "FROM",
        "HEALTHCHECK",
        "LABEL",
        "MAINTAINER",
        "ONBUILD",
        "RUN",
        "SHELL",
        "STOPSIGNAL",
        "USER",
        "VOLUME",
        "WORKDIR",
    ]
)
_NAME = re.compile(r"(?:.*\.)?(?:Dockerfile|Containerfile)(?:[.\-_].*)?|.*\.(?:dockerfile|Dockerfile)")
_DIRECTIVE = re.compile(r"#\s*(\w+)\s*=\s*(\S+)\s*")
_HEREDOC = re.compile(r"<<(-?)([\"']?)([A-Za-z_]\w*)\2")
_FLAG = re.compile(r"--([a-z-]+)(?:=(\S*))?\s*")
_TEMPLATE = re.compile(r"\{\{|\{%")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: its *keyword*, its *flags*, the *value* after them, its heredocs' lines.

    *words* are those of the JSON form, else None: then it is the shell form, or no form at all.
    """

    keyword: str
    value: str
    at: Place
    end_line: int
    flags: tuple[tuple[str, str], ...] = ()
    words: tuple[str, ...] | None = None
    heredoc: str = ""

    def flag(self, name: str) -> str | None:
        """Return the value of ``--name=…``."""
        return next((value for key, value in self.flags if key == name), None)


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: *base* as written after FROM, its *name* ("" without AS), its *instructions* after FROM."""

    index: int
    base: str
    name: str
    start: Instruction
    instructions: tuple[Instruction, ...]

    def all(self, *keywords: str) -> list[Instruction]:
        """Return its instructions of those *keywords*, in order."""
        return [each for each in self.instructions if each.keyword in keywords]

    def last(self, keyword: str) -> Instruction | None:
        """Return the one that counts where only the last does."""
        return next((each for each in reversed(self.instructions) if each.keyword == keyword), None)


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """One Dockerfile: its *stages*, and the *arguments*, ARG instructions before the first FROM."""

    path: str
    stages: tuple[Stage, ...]
    arguments: tuple[Instruction, ...] = ()

    def stage(self, target: str | None = None) -> Stage | None:
        """Return the stage named or numbered *target*, or the last; None where there is none of that name."""
        if target is None:
            return self.stages[-1]
        wanted = target.lower()
        return next((s for s in self.stages if s.name.lower() == wanted or str(s.index) == wanted), None)


def is_one(path: str) -> bool:
    """Tell by the name: Dockerfile, Dockerfile.prod, prod.Dockerfile, Containerfile."""
    name = path.rpartition("/")[2]
    return _NAME.fullmatch(name) is not None and not name.endswith((".dockerignore", ".md", ".j2", ".py"))


def read(source: Source) -> Dockerfile:
    """Read one Dockerfile; UnreadableError where Docker would refuse it, or where it is a template."""
    arguments: list[Instruction] = []
    stages: list[tuple[Instruction, list[Instruction]]] = []
    for each in instructions(source):
        if each.keyword not in KEYWORDS:
            why = "a template" if _TEMPLATE.search(source.text) else f"no instruction: {each.keyword[:20]!r}"
            raise UnreadableError(why, each.at.line)
        if each.keyword == "FROM":
            stages.append((each, []))
        elif stages:
            stages[-1][1].append(each)
        else:
            arguments.append(each)
    if not stages:
        raise UnreadableError("no FROM")
    built = tuple(_stage(number, start, inner) for number, (start, inner) in enumerate(stages))
    return Dockerfile(source.path, built, tuple(arguments))


def _stage(index: int, start: Instruction, inner: list[Instruction]) -> Stage:
    words = start.value.split()
    is_named = len(words) == 3 and words[1].upper() == "AS"
    return Stage(index, words[0] if words else "", words[2] if is_named else "", start, tuple(inner))


def instructions(source: Source) -> Iterator[Instruction]:
    """Yield every instruction, continuation lines joined, comments left out."""
    lines = source.lines()
    escape = _escape(lines)
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        first, column = number, len(line) - len(line.lstrip()) + 1
        parts = []
        while True:
            is_continued = line.rstrip().endswith(escape)
            parts.append(line.rstrip().removesuffix(escape) if is_continued else line.rstrip())
            if not is_continued:
                break
            while number < len(lines) and (
                not lines[number].strip() or lines[number].lstrip().startswith("#")
            ):
                number += 1
            if number >= len(lines):
                break
            line = lines[number]
            number += 1
        text = "\n".join(parts).strip()
        keyword, _, rest = text.partition(" ") if " " in text.split("\n", 1)[0] else text.partition("\n")
        body, number = (
            _heredocs(rest, lines, number) if keyword.upper() in ("RUN", "COPY", "ADD") else ("", number)
        )
        yield _instruction(keyword.upper(), rest, source.at(first, column), number, body)


def _escape(lines: list[str]) -> str:
    for line in lines:
        match = _DIRECTIVE.fullmatch(line)
        if match is None:
            break
        if match[1].lower() == "escape":
            return match[2]
    return "\\"


def _heredocs(rest: str, lines: list[str], number: int) -> tuple[str, int]:
    body: list[str] = []
    for dash, _, name in _HEREDOC.findall(rest):
        while number < len(lines):
            line = lines[number]
            number += 1
            if (line.lstrip("\t") if dash else line) == name:
                break
            body.append(line)
    return "\n".join(body), number


def _instruction(keyword: str, rest: str, at: Place, end_line: int, body: str) -> Instruction:
    rest, flags = rest.strip(), []
    while keyword in ("RUN", "COPY", "ADD", "FROM", "HEALTHCHECK") and (match := _FLAG.match(rest)):
        flags.append((match[1], match[2] or ""))
        rest = rest[match.end() :]
    words = None
    if rest.startswith("["):
        try:
            found = json.loads(rest.replace("\n", " "))
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, list) and all(isinstance(each, str) for each in found):
            words = tuple(found)
    return Instruction(keyword, rest, at, end_line, tuple(flags), words, body)
