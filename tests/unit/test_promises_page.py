"""The pages that say what is tested name tests that exist, and every server that serve has."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from served import VARIANTS

ROOT = Path(__file__).resolve().parents[2]
PROMISES = ROOT / "docs" / "promises.md"
PAGES = (PROMISES, ROOT / "docs" / "supervisor.md")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
ROW = re.compile(r"^\| .*`tests/.*\|$", re.MULTILINE)


def _defined(path: Path) -> set[str]:
    if not path.exists():
        return set()
    return {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_a_page_names_exists(page: Path) -> None:
    named = NAMED.findall(page.read_text())

    assert len(named) > 5
    assert [f"{file}::{name}" for file, name in named if name not in _defined(ROOT / file)] == []


def test_every_promise_says_how_it_is_with_each_server() -> None:
    columns = ["promise", *("waitress" if v.server == "waitress" else v.worker_class for v in VARIANTS)]
    text = PROMISES.read_text().partition("## By place")[0]
    heads = re.findall(r"^\| promise .*\|$", text, re.MULTILINE)
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in ROW.findall(text)]

    for head in heads:
        assert [cell.strip() for cell in head.strip("|").split("|")] == [*columns, "proven by"]
    assert cells
    for _, *answers, _proof in cells:
        assert len(answers) == len(VARIANTS)
        assert set(answers) <= {"yes", "**no**", "untested", "–"}


def test_a_server_is_not_said_to_keep_what_its_test_skips_or_expects_to_fail() -> None:
    """Every test that makes an exception of a server is one whose row does."""
    excepting = set()
    for path in (ROOT / "tests" / "conformance").glob("test_*.py"):
        for node in ast.parse(path.read_text()).body:
            source = ast.unparse(node)
            if isinstance(node, ast.FunctionDef) and re.search(r"pytest\.skip\(|mark\.xfail\(", source):
                excepting.add(node.name)
    rows = [row for row in ROW.findall(PROMISES.read_text()) if any(name in row for name in excepting)]

    assert rows
    assert [row for row in rows if "| – |" not in row and "| **no** |" not in row] == []
