"""One way a deployment starts a process: its words, its surroundings, and what starts it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gunwale.project.facts import Given, Place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gunwale.project.image import Image
    from gunwale.project.readers.compose import Service
    from gunwale.project.readers.dockerfile import Instruction

Words = tuple[Given[str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What some file of the project has started.

    *kind*: the launcher's name ("compose"); *title* says it for people; *words* is the argument list, with
    the place of each; *directory*: where relative paths begin, from the project's root, without an *image*.
    *service* is the compose service; *platform*: whoever else starts it keeps its own facts there.
    """

    kind: str
    title: str
    at: Place
    words: Words
    environ: Mapping[str, Given[str]] = field(default_factory=dict)
    image: Image | None = None
    directory: str = ""
    service: Service | None = None
    platform: object = None

    @property
    def is_routed(self) -> bool:
        """Whether a platform routes to it, logs its requests, and says how many workers it runs."""
        return self.kind in ("procfile", "platform")

    @property
    def is_container(self) -> bool:
        """Whether it runs in a container of an image that the project builds."""
        return self.image is not None


def shell(line: str, at: Place) -> Words:
    """Return the words that run a shell's *line*."""
    return (Given("/bin/sh", at), Given("-c", at), Given(line, at))


def given(words: tuple[str, ...] | list[str], at: Place) -> Words:
    """Return *words* that all stand at one place."""
    return tuple(Given(word, at) for word in words)


def of_lines(command: Given[str]) -> Words:
    """Return the words of a command that goes on over several lines of a file, each with its own line."""
    words = split(command.value)
    lines = command.value.split("\n")
    if [word for line in lines for word in split(line)] != words:  # quotes that span lines
        return given(words, command.at)
    return tuple(
        Given(word, command.at._replace(line=command.at.line + number))
        for number, line in enumerate(lines)
        for word in split(line)
    )


def split(line: str) -> list[str]:
    """Split *line* as a shell does, and at blanks where its quotes do not match."""
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()


def of_instruction(instruction: Instruction | None) -> Words:
    """Return the words of an ENTRYPOINT or CMD; the shell form is run by a shell."""
    if instruction is None:
        return ()
    if instruction.words is not None:
        return given(instruction.words, instruction.at)
    keyword = len(instruction.keyword) + 1
    at = instruction.at._replace(column=instruction.at.column + keyword)
    return shell(instruction.value, at)


def alone(image: Image, title: str) -> Launch:
    """Return the launch of *image* by its own command, nothing over it."""
    words = of_image(image)
    at = words[0].at if words else image.at
    return Launch(kind="dockerfile", title=title, at=at, words=words, environ=image.environ, image=image)


def of_image(image: Image) -> Words:
    """Return what the image runs by itself: a shell-form ENTRYPOINT leaves CMD out."""
    entrypoint = of_instruction(image.entrypoint)
    is_shell = image.entrypoint is not None and image.entrypoint.words is None
    return entrypoint if is_shell else entrypoint + of_instruction(image.cmd)
