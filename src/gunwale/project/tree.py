"""The files of a project: listed once, without following links out of it, and read within bounds."""

from __future__ import annotations

import codecs
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from gunwale.project.facts import Source, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST_FILE = 2**20  # bytes: the readers' time grows with the size, so this is their deadline too
MOST_FILES = 100_000
DEEPEST = 64
# Of the tools, not of the project; what a build context would carry along is asked for by has_entry().
_FOREIGN = frozenset(
    [
        ".git",
        ".hg",
        ".svn",
        ".tox",
        ".nox",
        ".venv",
        "venv",
        ".mypy_cache",
        ".ruff_cache",
        ".pytest_cache",
        ".hypothesis",
        ".idea",
        ".vscode",
        "__pycache__",
        "node_modules",
        "bower_components",
        "site-packages",
        ".terraform",
        ".eggs",
    ]
)


@dataclass(slots=True)
class Tree:
    """The files under *root*: *files* from the root, sorted; *skipped* are directories not gone into."""

    root: Path
    files: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)
    _known: frozenset[str] = frozenset()
    _links: frozenset[str] = frozenset()

    @classmethod
    def walk(cls, root: Path) -> Tree:
        """List the files under *root*."""
        tree = cls(root=root.resolve())
        files: list[str] = []
        skipped: list[str] = []
        links: set[str] = set()
        for path, is_file in _entries(tree.root, tree.notes, links):
            (files if is_file else skipped).append(path)
            if len(files) >= MOST_FILES:
                tree.notes.append(f"more than {MOST_FILES} files: the rest was not looked at")
                break
        tree.files, tree.skipped = tuple(sorted(files)), tuple(sorted(skipped))
        tree._known, tree._links = frozenset(files), frozenset(links)
        return tree

    def __contains__(self, path: str) -> bool:
        return path in self._known

    def under(self, folder: str) -> list[str]:
        """Return the files below *folder* ("" or ".": all)."""
        prefix = "" if folder in ("", ".") else f"{folder.rstrip('/')}/"
        return [path for path in self.files if path.startswith(prefix)]

    def is_folder(self, folder: str) -> bool:
        """Whether any file or skipped directory lies in *folder*."""
        prefix = "" if folder in ("", ".") else f"{folder.rstrip('/')}/"
        return any(path.startswith(prefix) for path in (*self.files, *(f"{each}/" for each in self.skipped)))

    def read(self, path: str) -> Source:
        """Read one file; UnreadableError says why not."""
        # What was listed was reached through no link, so that it need not be resolved.
        data = _bytes(self.root, path, is_resolved=path in self._known and path not in self._links)
        encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
        if b"\0" in data and encoding != "utf-16":
            raise UnreadableError("not a text: it holds a NUL byte")
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise UnreadableError(f"not {'UTF-8' if encoding == 'utf-8-sig' else 'UTF-16'}", line) from error
        return Source(path, text.replace("\r\n", "\n"))


def _entries(root: Path, notes: list[str], links: set[str]) -> Iterator[tuple[str, bool]]:
    """Yield (path, whether it is a file); a directory that is not gone into is none. *links* is filled."""
    pending: list[tuple[str, int]] = [("", 0)]
    while pending:
        folder, depth = pending.pop()
        try:
            with os.scandir(root / folder) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            notes.append(f"{folder or '.'}: not listed: {error.strerror}")
            continue
        if folder and any(entry.name.endswith(".dist-info") for entry in listed):
            yield folder, False  # packages that pip put there: pip install --target lib
            continue
        for entry in listed:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if not entry.is_dir(follow_symlinks=False):
                if entry.is_symlink():
                    links.add(path)
                yield path, True
            elif entry.name in _FOREIGN or _is_environment(root / path):
                yield path, False
            elif depth >= DEEPEST:
                notes.append(f"{path}: not listed: deeper than {DEEPEST} directories")
            else:
                pending.append((path, depth + 1))


def _is_environment(folder: Path) -> bool:
    """Whether *folder* is a virtual environment; those of virtualenv before 20 have no pyvenv.cfg."""
    return any(os.path.lexists(folder / name) for name in ("pyvenv.cfg", "bin/activate", "Scripts/activate"))


def _bytes(root: Path, path: str, *, is_resolved: bool) -> bytes:
    """Read a regular file inside *root*, through a link only if that stays inside."""
    try:
        real = f"{root}/{path}"
        if not is_resolved:
            real = os.path.realpath(real, strict=True)
            if not Path(real).is_relative_to(root):
                raise UnreadableError("a link out of the project")
        # Non-blocking, so that a FIFO put there meanwhile cannot hold us.
        descriptor = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise UnreadableError("not a regular file")
            if status.st_size > LARGEST_FILE:
                raise UnreadableError(f"larger than {LARGEST_FILE} bytes")
            return os.read(descriptor, status.st_size)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise UnreadableError(error.strerror or str(error)) from error
