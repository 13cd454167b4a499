"""YAML and JSON as nodes with their places, by libyaml's events: aliases are shared, never copied out.

PyYAML because its events come from libyaml, 23 times faster than ruamel.yaml (docs/decisions/0004).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from gunwale.project.facts import Place, Source, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEEPEST = 100
_MOST_MERGED = 200_000  # keys brought in by "<<"; a file that merges more is an attack
_NUMBER = re.compile(r"[-+]?(?:\d+|\d*\.\d+|\d+\.\d*)")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None, "yes": True, "no": False}


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One node: a *text*, or the *entries* of a mapping (with the place of each key), or *elements*."""

    at: Place
    text: str | None = None
    is_plain: bool = False
    entries: Mapping[str, tuple[Place, Node]] = field(default_factory=lambda: MappingProxyType({}))
    elements: tuple[Node, ...] = ()

    def get(self, *keys: str) -> Node | None:
        """Return the node at the path of *keys*, or None where there is none."""
        node = self
        for key in keys:
            found = node.entries.get(key)
            if found is None:
                return None
            node = found[1]
        return node

    def key_at(self, key: str) -> Place:
        """Return where *key* is written, or where this mapping begins."""
        found = self.entries.get(key)
        return found[0] if found else self.at

    def items(self) -> Iterator[tuple[str, Node]]:
        """Yield the entries of a mapping, merged ones too."""
        for key, (_, node) in self.entries.items():
            yield key, node

    def texts(self) -> list[str]:
        """Return the texts of a sequence, or the one text as a list of one."""
        if self.text is not None:
            return [self.text]
        return [each.text for each in self.elements if each.text is not None]

    def scalar(self) -> object:
        """Return the text as YAML means it: a number, a truth, None, or the text itself."""
        if self.text is None or not self.is_plain:
            return self.text
        if self.text.lower() in _WORDS:
            return _WORDS[self.text.lower()]
        if _NUMBER.fullmatch(self.text) and len(self.text) < 20:
            return float(self.text) if "." in self.text else int(self.text)
        return self.text

    def walk(self) -> Iterator[Node]:
        """Yield this node and all below it, each once however often it is aliased."""
        pending, seen = [self], set()
        while pending:
            node = pending.pop()
            if id(node) not in seen:
                seen.add(id(node))
                yield node
                pending += [*node.elements, *(each for _, each in node.entries.values())]


@dataclass(slots=True)
class _Open:
    """A mapping or sequence whose end has not come yet."""

    at: Place
    is_mapping: bool
    anchor: str | None
    parts: list[Node] = field(default_factory=list)


def documents(source: Source) -> tuple[Node, ...]:
    """Read every document of *source*; UnreadableError where it is broken."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    builder = _Builder(source)
    try:
        for event in yaml.parse(source.text, Loader=loader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise UnreadableError(f"broken YAML: {error.problem}", line) from error
    except yaml.YAMLError as error:
        raise UnreadableError("broken YAML") from error
    return tuple(builder.finished)


class _Builder:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.finished: list[Node] = []
        self.open: list[_Open] = []
        self.anchors: dict[str, Node] = {}
        self.merged = 0

    def take(self, event: object) -> None:
        """Take one event of the parser."""
        kind = type(event).__name__
        if kind in ("MappingStartEvent", "SequenceStartEvent"):
            if len(self.open) >= DEEPEST:
                raise UnreadableError(f"nested deeper than {DEEPEST}", self._at(event).line)
            is_mapping = kind == "MappingStartEvent"
            self.open.append(_Open(self._at(event), is_mapping, getattr(event, "anchor", None)))
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            closed = self.open.pop()
            self._add(self._mapping(closed) if closed.is_mapping else _sequence(closed), closed.anchor)
        elif kind == "ScalarEvent":
            text, style = str(getattr(event, "value", "")), getattr(event, "style", None)
            node = Node(self._at(event), text, is_plain=style in (None, ""))
            self._add(node, getattr(event, "anchor", None))
        elif kind == "AliasEvent":
            name = str(getattr(event, "anchor", ""))
            if name not in self.anchors:
                raise UnreadableError(f"*{name} has no anchor before it", self._at(event).line)
            self._add(self.anchors[name], None)
        elif kind == "DocumentStartEvent":
            self.anchors = {}

    def _at(self, event: object) -> Place:
        mark = getattr(event, "start_mark", None)
        return self.source.at(mark.line + 1, mark.column + 1) if mark else self.source.at(1)

    def _add(self, node: Node, anchor: str | None) -> None:
        if anchor:
            self.anchors[anchor] = node
        if self.open:
            self.open[-1].parts.append(node)
        else:
            self.finished.append(node)

    def _mapping(self, closed: _Open) -> Node:
        entries: dict[str, tuple[Place, Node]] = {}
        merged: list[Node] = []
        for key, value in zip(closed.parts[::2], closed.parts[1::2], strict=True):
            if key.text == "<<" and key.is_plain:
                merged += value.elements or [value]
            elif key.text is not None:
                entries[key.text] = (key.at, value)
        for each in merged:
            self.merged += len(each.entries)
            if self.merged > _MOST_MERGED:
                raise UnreadableError(f"merges more than {_MOST_MERGED} keys", closed.at.line)
            for name, entry in each.entries.items():
                entries.setdefault(name, entry)
        return Node(closed.at, entries=MappingProxyType(entries))


def _sequence(closed: _Open) -> Node:
    return Node(closed.at, elements=tuple(closed.parts))
