"""Shell as a list of commands in order, each with its words and where it stands; nothing is run.

tree-sitter-bash, because it reads broken scripts too, and bashlex is under the GPL (docs/decisions/0004).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from gunwale.project.expand import Expanded, expand
from gunwale.project.facts import Given, Place, Source, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LARGEST = 256 * 1024  # bytes
_DEEPEST = 200
_BRANCHES = ("if_statement", "case_statement", "elif_clause", "else_clause", "case_item")
_LOOPS = ("while_statement", "for_statement", "c_style_for_statement")
_ELSEWHERE = ("function_definition", "command_substitution", "process_substitution")
_FIRST = re.compile(r"\$\{?1\b")
_UNQUOTE = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Command:
    """One simple command: its *words* with variables as written, and *assignments* before it.

    *condition* is the test of the branch it stands in, as written ("" outside any). *is_last*: nothing
    follows it on the top level, so a shell that was given it by -c execs it. *function* is the name of the
    one it stands in, *branch* the pattern ("server|web") where a ``case`` asks the first argument.
    """

    words: tuple[str, ...]
    at: Place
    assignments: Mapping[str, str]
    condition: str = ""
    is_exec: bool = False
    is_background: bool = False
    is_piped: bool = False
    is_looped: bool = False
    is_in_function: bool = False
    is_last: bool = False
    function: str = ""
    branch: str = ""


@dataclass(frozen=True, slots=True)
class Script:
    """The *commands* of a script in order; *assigned* are its plain ``NAME=value`` lines; *shell* its #!."""

    path: str
    shell: str
    commands: tuple[Command, ...]
    assigned: Mapping[str, Given[str]]


@cache
def _parser() -> Any:
    import tree_sitter
    import tree_sitter_bash

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))


def parse(source: Source, *, first: Place | None = None) -> Script:
    """Read the shell of *source*; *first* is where its first character stands, if not at the file's start."""
    data = source.text.encode()
    if len(data) > LARGEST:
        raise UnreadableError(f"a script larger than {LARGEST} bytes")
    root = _parser().parse(data).root_node
    reader = _Reader(source.path, first or Place(source.path, 1, 1))
    commands = list(reader.commands(root, _Around()))
    for number in range(len(commands) - 1, -1, -1):
        if not commands[number].is_in_function:
            commands[number] = replace(commands[number], is_last=number == len(commands) - 1)
            break
    shebang = source.text.split("\n", 1)[0]
    shell = shebang[2:].strip() if shebang.startswith("#!") else ""
    return Script(source.path, shell, tuple(commands), reader.assigned)


@dataclass(frozen=True, slots=True)
class _Around:
    """What surrounds a command."""

    condition: str = ""
    is_background: bool = False
    is_piped: bool = False
    is_looped: bool = False
    is_in_function: bool = False
    function: str = ""
    branch: str = ""
    is_case_of_first: bool = False
    depth: int = 0


class _Reader:
    def __init__(self, path: str, first: Place) -> None:
        self.path, self.first = path, first
        self.assigned: dict[str, Given[str]] = {}

    def commands(self, node: Any, around: _Around) -> Iterator[Command]:  # noqa: C901 - one case a kind
        """Yield the commands below *node* in order."""
        if around.depth > _DEEPEST:
            raise UnreadableError(f"nested deeper than {_DEEPEST}", node.start_point[0] + 1)
        kind = node.type
        if kind == "command":
            yield self._command(node, around)
        elif kind == "variable_assignment":
            name, value = self._assignment(node)
            if not around.condition:
                self.assigned[name] = Given(value, self._at(node))
        children = node.children
        inner = replace(around, depth=around.depth + 1)
        if kind in _BRANCHES:
            inner = replace(inner, condition=_condition(node) or around.condition)
            if kind == "case_statement":
                inner = replace(inner, is_case_of_first=_FIRST.search(_condition(node)) is not None)
            elif kind == "case_item" and around.is_case_of_first:
                patterns = [_word(each) for each in node.children_by_field_name("value")]
                inner = replace(inner, branch="|".join(patterns), is_case_of_first=False)
        elif kind in _LOOPS:
            inner = replace(inner, is_looped=True)
        elif kind in _ELSEWHERE:
            name = _text(node.child_by_field_name("name")) if kind == "function_definition" else ""
            inner = replace(inner, is_in_function=True, function=name)
        elif kind == "pipeline":
            inner = replace(inner, is_piped=True)
        for number, child in enumerate(children):
            follows = children[number + 1].type if number + 1 < len(children) else ""
            yield from self.commands(child, replace(inner, is_background=True) if follows == "&" else inner)

    def _command(self, node: Any, around: _Around) -> Command:
        words, assignments = [], {}
        for child in node.children:
            if child.type == "variable_assignment":
                name, value = self._assignment(child)
                assignments[name] = value
            elif child.is_named and not child.type.endswith("redirect"):
                words.append(_word(child))
        is_exec = bool(words) and words[0] == "exec"
        return Command(
            words=tuple(words[1:] if is_exec else words),
            at=self._at(node),
            assignments=assignments,
            condition=around.condition,
            is_exec=is_exec,
            is_background=around.is_background,
            is_piped=around.is_piped,
            is_looped=around.is_looped,
            is_in_function=around.is_in_function,
            function=around.function,
            branch=around.branch,
        )

    def _assignment(self, node: Any) -> tuple[str, str]:
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        return _text(name), _word(value) if value is not None else ""

    def _at(self, node: Any) -> Place:
        row, column = node.start_point
        shift = self.first.column - 1 if row == 0 else 0
        return Place(self.path, self.first.line + row, column + 1 + shift)


def _condition(node: Any) -> str:
    found = node.child_by_field_name("condition") or node.child_by_field_name("value")
    if node.type == "else_clause":
        return "else"
    return _text(found) if found is not None else ""


def _text(node: Any) -> str:
    return str(node.text.decode("utf-8", "replace")) if node is not None else ""


def _word(node: Any) -> str:
    """Return a word without its quotes; what is quoted once keeps its variables as $NAME or ${…}."""
    if node.type in ("command_name", "concatenation"):
        return "".join(_word(child) for child in node.children) if node.children else _text(node)
    text = _text(node)
    if node.type == "raw_string":
        return text[1:-1].replace("$", "$$")
    if node.type == "string":
        return re.sub(r'\\(["\\`])', r"\1", text[1:-1])
    if node.type == "word":
        return _UNQUOTE.sub(lambda match: "" if match[1] == "\n" else match[1], text)
    return text


def put_in(word: str, script: Script | None, environ: Mapping[str, str]) -> Expanded:
    """Expand a word's variables by what the script assigned and *environ*."""
    values = dict(environ)
    variables: list[str] = []
    if script is not None:
        for name, given in script.assigned.items():
            found = expand(given.value, values)
            variables += found.variables
            if not found.missing and "$(" not in found.text:
                values[name] = found.text
    done = expand(word, values)
    return Expanded(done.text, (*done.variables, *variables), done.missing)
