"""What a build takes from its context into the image: COPY and ADD, less what .dockerignore leaves out."""

from __future__ import annotations

import posixpath
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from gunwale.project.readers.dockerignore import Dockerignore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.image import Copy, Image
    from gunwale.project.model import Project


def dockerignore(project: Project, image: Image) -> Dockerignore | None:
    """Return the image's .dockerignore; one named for the Dockerfile goes first, as BuildKit has it."""
    for path in (f"{image.dockerfile.path}.dockerignore", posixpath.join(image.context, ".dockerignore")):
        clean = posixpath.normpath(path)
        if clean in project.tree:
            return project.one(Dockerignore, clean)
    return None


def context_files(project: Project, image: Image) -> tuple[tuple[str, Copy], ...]:
    """Return each file that is copied from the context, from its root, with the COPY that does it."""
    kept = project.derive(_Contexts)
    if image not in kept.files:
        kept.files[image] = tuple(_copied(project, image))
    return kept.files[image]


class _Contexts:
    """What each image copies, worked out once: every rule about .dockerignore asks it."""

    def __init__(self, _project: Project) -> None:
        self.files: dict[Image, tuple[tuple[str, Copy], ...]] = {}


def _copied(project: Project, image: Image) -> Iterator[tuple[str, Copy]]:
    ignore = dockerignore(project, image)
    prefix = "" if image.context in ("", ".") else f"{image.context}/"
    inside = [path.removeprefix(prefix) for path in project.tree.under(image.context)]
    kept = [path for path in inside if ignore is None or not ignore.excludes(path)]
    for copy in image.copies:
        if not copy.origin:
            for path in kept:
                if any(_is_copied(source, path) for source in copy.sources):
                    yield path, copy


def _is_copied(source: str, path: str) -> bool:
    clean = posixpath.normpath(source.lstrip("/"))
    if clean == ".":
        return True
    parts = path.split("/")
    above = ["/".join(parts[: count + 1]) for count in range(len(parts))]
    return any(fnmatchcase(each, clean) and each.count("/") == clean.count("/") for each in above)
