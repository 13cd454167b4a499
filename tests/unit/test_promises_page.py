"""The pages that say what is tested name tests that exist, and all the promises there are."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROMISES = ROOT / "docs" / "promises.md"
PAGES = (PROMISES, ROOT / "docs" / "supervisor.md")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
SCRIPT = ROOT / "docs" / "promises_table.py"


def _defined(path: Path) -> set[str]:
    if not path.exists():
        return set()
    return {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_a_page_names_exists(page: Path) -> None:
    named = NAMED.findall(page.read_text())

    assert len(named) > 5
    assert [f"{file}::{name}" for file, name in named if name not in _defined(ROOT / file)] == []


def script(*words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, str(SCRIPT), *words]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=100)


def test_the_page_has_a_row_for_every_promise_that_a_test_makes() -> None:
    done = script("--check")

    assert done.returncode == 0, f"run: python docs/promises_table.py\n{done.stderr}"


def test_a_run_with_a_failure_writes_no_page(tmp_path: Path) -> None:
    before = PROMISES.read_text()
    words = 'classname="tests.conformance.test_drain" name="test_it[gunicorn-sync]"'
    (tmp_path / "steered.xml").write_text(f"<testsuite><testcase {words}><failure/></testcase></testsuite>")
    done = script(str(tmp_path))

    assert done.returncode == 1
    assert "steered.xml: test_drain::test_it[gunicorn-sync]" in done.stderr
    assert PROMISES.read_text() == before
