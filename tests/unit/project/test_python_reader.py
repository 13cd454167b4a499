"""The syntax of Python as the reader walks it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from gunwale.project.readers.python import walk

_LEFT_OUT = (ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.type_ignore)
_MATCH = """
match x:
    case {"a": 1, **rest}: pass
    case Point(x=0, y=None): pass
    case [True, *others] | (1 as one): pass
global y
def f(a, /, *b, c, d=1, **e) -> {**a, "b": 1}: nonlocal z
"""


@pytest.mark.parametrize(
    "text",
    [_MATCH, Path(__file__).read_text(), Path(ast.__file__).read_text(), Path(pytest.__file__).read_text()],
    ids=["patterns", "this file", "ast.py", "pytest"],
)
def test_walk_gives_the_nodes_of_ast_walk_in_its_order_less_operators_and_contexts(text: str) -> None:
    tree = ast.parse(text)

    assert walk(tree) == [node for node in ast.walk(tree) if not isinstance(node, _LEFT_OUT)]
