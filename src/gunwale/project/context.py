"""What a build takes from its context into the image: COPY and ADD, less what .dockerignore leaves out.

Stages are followed: what ``COPY --from=build`` carries on is taken, what a build stage keeps is not.
"""

from __future__ import annotations

import posixpath
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from gunwale.project.readers.dockerignore import Dockerignore

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gunwale.project.image import Copy, Image
    from gunwale.project.model import Project


class Copied(NamedTuple):
    """A file of the build context, *path* from its root, and the *copy* that takes it from there."""

    path: str
    copy: Copy


def dockerignore(project: Project, image: Image) -> Dockerignore | None:
    """Return the image's .dockerignore; one named for the Dockerfile goes first, as BuildKit has it."""
    for path in (f"{image.dockerfile.path}.dockerignore", posixpath.join(image.context, ".dockerignore")):
        clean = posixpath.normpath(path)
        if clean in project.tree:
            return project.one(Dockerignore, clean)
    return None


def layout(project: Project, image: Image) -> Mapping[str, Copied]:
    """Return what of the context is in the image, by its path there."""
    kept = project.derive(_Layouts).kept
    key = (image.dockerfile.path, image.stage.index, image.context, tuple(sorted(image.arguments.items())))
    if key not in kept:
        kept[key] = _layout(project, image)
    return kept[key]


def context_files(project: Project, image: Image) -> tuple[tuple[str, Copy], ...]:
    """Return each file that gets from the context into the image, with the COPY that takes it from there."""
    last = {each.path: each for each in layout(project, image).values()}
    return tuple((each.path, each.copy) for each in last.values())


def takes(copy: Copy, path: str) -> bool:
    """Whether *copy* takes *path* of the context, were it there."""
    return not copy.origin and any(_rest(source, path) is not None for source in copy.sources)


def taking(project: Project, image: Image) -> list[Copy]:
    """Return every COPY from the context whose files reach the image, through whatever stages."""
    found = []
    for copy in image.copies:
        stage = image.origin(project, copy)
        if not copy.origin:
            found.append(copy)
        elif stage is not None:
            inner = taking(project, stage)
            found += [each for each in inner if any(_overlap(source, each) for source in copy.sources)]
    return list(dict.fromkeys(found))


class _Layouts:
    """Worked out once an image: every rule about the context asks it."""

    def __init__(self, _project: Project) -> None:
        self.kept: dict[tuple[str, int, str, tuple[tuple[str, str], ...]], dict[str, Copied]] = {}


def _layout(project: Project, image: Image) -> dict[str, Copied]:
    ignore = dockerignore(project, image)
    prefix = "" if image.context in ("", ".") else f"{image.context}/"
    inside = [path.removeprefix(prefix) for path in project.tree.under(image.context)]
    own = [path for path in inside if ignore is None or not ignore.excludes(path)]
    found: dict[str, Copied] = {}
    folders = {image.workdir, "/"} | {
        posixpath.normpath(each.value) for each in image.instructions("WORKDIR")
    }
    for copy in image.copies:
        stage = image.origin(project, copy)
        there: Iterable[tuple[str, Copied]] = ()
        if stage is not None:
            there = [(path.lstrip("/"), each) for path, each in layout(project, stage).items()]
        elif not copy.origin:
            there = [(path, Copied(path, copy)) for path in own]
        for path, copied in there:
            for source in copy.sources:
                rest = _rest(source, path)
                if rest is not None:
                    target = _target(copy, path, rest, folders)
                    found[target] = copied
                    folders.add(posixpath.dirname(target))
    return found


def _target(copy: Copy, path: str, rest: str, folders: set[str]) -> str:
    target = copy.target.rstrip("/") or "/"
    if rest:
        return posixpath.join(target, rest)
    is_folder = copy.target.endswith("/") or target in folders
    return posixpath.join(target, posixpath.basename(path)) if is_folder else target


def _rest(source: str, path: str) -> str | None:
    """Return what of *path* is below what *source* matches, "" for the file itself; None if it is not."""
    clean = posixpath.normpath(source.lstrip("/") or ".")
    if clean == ".":
        return path
    parts = path.split("/")
    count = clean.count("/") + 1
    if count > len(parts) or not fnmatchcase("/".join(parts[:count]), clean):
        return None
    return "/".join(parts[count:])


def _overlap(source: str, copy: Copy) -> bool:
    """Whether what *copy* brings into its stage is below *source* there."""
    clean, target = f"/{source.strip('/')}", copy.target.rstrip("/") or "/"
    return clean == "/" or f"{target}/".startswith(f"{clean.rstrip('/')}/")


def is_repository(project: Project, image: Image) -> bool:
    """Whether the image's build context is the root of a repository, so that .git lies in it."""
    context = "" if image.context == "." else image.context
    if posixpath.join(context, ".git") in project.tree.skipped:
        return True
    # An export, or a checkout by CI, has no .git: what lies at a repository's root tells.
    names = {path.lower() for path in project.tree.files if "/" not in path}
    return not context and any(name.startswith(("readme", "license", ".gitignore")) for name in names)
