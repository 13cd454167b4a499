"""HCL, Terraform's language, as the same nodes that YAML gives; references stay as ${…}.

tree-sitter-hcl: it reads broken files too, and keeps places (docs/decisions/0010).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from gunwale.project.facts import UnreadableError
from gunwale.project.rendering import Rendered
from gunwale.project.syntax.yaml import Node, documents

if TYPE_CHECKING:
    from gunwale.project.facts import Place, Source

_DEEPEST = 60
_WRAPPING = ("expression", "collection_value", "literal_value", "template_expr")
_PASSING = ("jsonencode", "tolist", "toset", "sensitive", "nonsensitive")  # functions that change no value


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """One block of a file's top level: ``kind "label" … { node }``."""

    kind: str
    labels: tuple[str, ...]
    at: Place
    node: Node


@cache
def _parser() -> Any:
    import tree_sitter
    import tree_sitter_hcl

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_hcl.language()))


def blocks(source: Source) -> tuple[Block, ...]:
    """Read the blocks of *source*; in a file of values (.tfvars) these are one, without a kind."""
    root = _parser().parse(source.text.encode()).root_node
    reader = _Reader(source)
    found: list[Block] = []
    for body in root.named_children:
        if body.type == "body":
            found += [reader.block(each) for each in body.named_children if each.type == "block"]
            if any(each.type == "attribute" for each in body.named_children):
                found.append(Block("", (), reader.at(body), reader.body(body, 0)))
    return tuple(found)


class _Reader:
    def __init__(self, source: Source) -> None:
        self.source = source

    def at(self, node: Any) -> Place:
        """Return where *node* begins."""
        row, column = node.start_point
        return self.source.at(row + 1, column + 1)

    def block(self, node: Any) -> Block:
        """Read a block with its labels."""
        named = node.named_children
        labels = tuple(_quoted(each) for each in named[1:] if each.type in ("string_lit", "identifier"))
        body = next((each for each in named if each.type == "body"), None)
        inner = self.body(body, 0) if body is not None else Node(self.at(node))
        return Block(_text(named[0]), labels, self.at(node), inner)

    def body(self, node: Any, depth: int) -> Node:
        """Read attributes and blocks as one mapping; of blocks with one name, the first.

        A block with a label is there by that too: ``provisioner "remote-exec"`` is "provisioner remote-exec".
        """
        if depth > _DEEPEST:
            raise UnreadableError(f"nested deeper than {_DEEPEST}", node.start_point[0] + 1)
        entries: dict[str, tuple[Place, Node]] = {}
        for each in node.named_children:
            named = each.named_children
            if each.type == "attribute" and len(named) > 1:
                entries[_text(named[0])] = (self.at(each), self.value(named[1], depth + 1))
            elif each.type == "block":
                body = next((part for part in named if part.type == "body"), None)
                inner = self.body(body, depth + 1) if body is not None else Node(self.at(each))
                labels = [_quoted(part) for part in named[1:] if part.type in ("string_lit", "identifier")]
                for key in (_text(named[0]), " ".join([_text(named[0]), *labels])):
                    entries.setdefault(key, (self.at(each), inner))
        return Node(self.at(node), entries=MappingProxyType(entries))

    def value(self, node: Any, depth: int) -> Node:
        """Read an expression: what is no literal, list or object is the text of a reference."""
        if depth > _DEEPEST:
            raise UnreadableError(f"nested deeper than {_DEEPEST}", node.start_point[0] + 1)
        at, named = self.at(node), node.named_children
        if node.type in _WRAPPING and len(named) == 1:
            return self.value(named[0], depth + 1)
        if node.type == "tuple":
            elements = [self.value(each, depth + 1) for each in named if each.type == "expression"]
            return Node(at, elements=tuple(elements))
        if node.type == "object":
            return self._object(node, depth)
        if node.type == "function_call" and _text(named[0]) in _PASSING:
            arguments = [part for each in named[1:] for part in each.named_children]
            if len(arguments) == 1:
                return self.value(arguments[0], depth + 1)
        return self._single(node)

    def _single(self, node: Any) -> Node:
        """Read a number, a truth, a text; what is none of them is the text of a reference."""
        at = self.at(node)
        if node.type in ("numeric_lit", "bool_lit"):
            return Node(at, _text(node), is_plain=True)
        if node.type == "heredoc_template":
            return _of_heredoc(_text(node), at._replace(line=at.line + 1, column=1))
        is_text = node.type in ("string_lit", "quoted_template")
        return Node(at, _quoted(node) if is_text else "${" + _text(node) + "}")

    def _object(self, node: Any, depth: int) -> Node:
        entries: dict[str, tuple[Place, Node]] = {}
        for each in node.named_children:
            named = each.named_children
            if each.type == "object_elem" and len(named) == 2:
                key = _text(named[0]).strip("\"'()")
                entries[key] = (self.at(each), self.value(named[1], depth + 1))
        return Node(self.at(node), entries=MappingProxyType(entries))


def _text(node: Any) -> str:
    return str(node.text.decode("utf-8", "replace"))


def _quoted(node: Any) -> str:
    text = _text(node)
    return text[1:-1] if text[:1] == '"' and text[-1:] == '"' else text


def _of_heredoc(text: str, at: Place) -> Node:
    """Return what stands between ``<<EOF`` and EOF: the nodes of JSON, where it is that, or the text."""
    inner = "\n".join(text.split("\n")[1:-1])
    if inner.lstrip()[:1] in ("[", "{"):
        lines = tuple(range(at.line, at.line + inner.count("\n") + 1))
        try:
            found = documents(Rendered(at.path, inner, lines))
        except UnreadableError:  # directives of Terraform's own are in it
            found = ()
        if len(found) == 1:
            return found[0]
    return Node(at, inner)
