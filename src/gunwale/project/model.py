"""The project as rules see it: facts by their class, and what is joined of them by function; each once."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeVar, cast

from gunwale.project import charts, templates
from gunwale.project.facts import NotChecked, Source, UnreadableError
from gunwale.project.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")


class Project:
    """The files under one root. Facts are read when first asked for, and kept."""

    def __init__(self, root: Path) -> None:
        self.tree = Tree.walk(root)
        self._not_checked = [NotChecked("start", note) for note in self.tree.notes]
        self._sources: dict[str, Source | UnreadableError] = {}
        self._read: dict[tuple[type, str], object] = {}
        self._of: dict[type, tuple[object, ...]] = {}
        self._derived: dict[Callable[[Project], object], object] = {}

    def of(self, kind: type[T]) -> tuple[T, ...]:
        """Return what every file of the format of *kind* says, by path."""
        if kind not in self._of:
            reader = sys.modules[kind.__module__]
            is_relevant = getattr(reader, "is_relevant", None)
            found = []
            for path in self.tree.files:
                if not reader.is_one(path):
                    continue
                if is_relevant is not None:
                    source = self.source(path)
                    if source is not None and not is_relevant(source):
                        continue
                fact = self.one(kind, path)
                if fact is not None:
                    found.append(fact)
            self._of[kind] = tuple(found)
        return cast("tuple[T, ...]", self._of[kind])

    def one(self, kind: type[T], path: str) -> T | None:
        """Return what the file at *path* says, read as *kind* whatever its name; None if it cannot be."""
        if (kind, path) not in self._read:
            self._read[kind, path] = self._read_one(sys.modules[kind.__module__], path)
        return cast("T | None", self._read[kind, path])

    def derive(self, function: Callable[[Project], T]) -> T:
        """Return what *function* makes of this project; it is asked once."""
        if function not in self._derived:
            self._derived[function] = function(self)
        return cast("T", self._derived[function])

    def source(self, path: str, topic: str = "start") -> Source | None:
        """Return the text of a file, or None, which is then among not_checked."""
        if path not in self._sources:
            try:
                self._sources[path] = self.tree.read(path)
            except UnreadableError as error:
                self._sources[path] = error
                self.leave_unchecked(topic, f"{path}: not read: {error.why}")
        found = self._sources[path]
        return found if isinstance(found, Source) else None

    def leave_unchecked(self, topic: str, why: str) -> None:
        """Say that something was not looked at."""
        if (topic, why) not in self._not_checked:
            self._not_checked.append(NotChecked(topic, why))

    @property
    def not_checked(self) -> tuple[NotChecked, ...]:
        """What was not looked at so far."""
        return tuple(self._not_checked)

    @property
    def sources(self) -> tuple[Source, ...]:
        """The texts read so far."""
        return tuple(each for each in self._sources.values() if isinstance(each, Source))

    def _as_installed(self, reader: Any, source: Source) -> Source:
        """Return *source*, or what Helm makes of it where it is a template of a chart."""
        is_template = getattr(reader, "IS_IN_CHARTS", False) and "{{" in source.text
        folder = charts.folder_of(self, source.path) if is_template else None
        if folder is None:
            return source
        self.leave_unchecked(reader.TOPIC, f"{folder or '.'}: a chart: read with its own values.yaml alone")
        return charts.rendered(self, folder, source)

    def _read_template(self, reader: Any, source: Source) -> object:
        try:
            found = cast("object", reader.read(templates.plain(source)))
        except UnreadableError as error:
            self.leave_unchecked(reader.TOPIC, f"{source.path}: not read: a template: {error.why}")
            return None
        self.leave_unchecked(reader.TOPIC, f"{source.path}: a template: one of its branches was read")
        return found

    def _read_one(self, reader: Any, path: str) -> object:
        source = self.source(path, reader.TOPIC) if path in self.tree else None
        if source is None:
            return None
        installed = source
        try:
            installed = self._as_installed(reader, source)
            return cast("object", reader.read(installed))
        except UnreadableError as error:
            if templates.is_one(source):
                return self._read_template(reader, source)
            where = str(installed.at(error.line)) if error.line else path
            self.leave_unchecked(reader.TOPIC, f"{where}: not read: {error.why}")
        except ImportError:  # a parser that is not installed: no file of the format can be read
            raise
        except Exception as error:  # noqa: BLE001 - a reader's fault is said, and the others go on
            why = f"{path}: not read: the reader failed: {type(error).__name__}"
            self.leave_unchecked(reader.TOPIC, why)
        return None
