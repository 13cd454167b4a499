"""The documentation: nothing in it points nowhere, and what is written is found."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/README.md")])
LINK = re.compile(r"\]\((?!https?://|mailto:)([^)#\s]+)(?:#[^)]*)?\)")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def _prose(page: Path) -> str:
    return FENCED.sub("", page.read_text())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file(page: Path) -> None:
    missing = [target for target in LINK.findall(_prose(page)) if not (page.parent / target).exists()]

    assert missing == []


def test_every_page_of_the_documentation_is_in_an_index() -> None:
    indices = [ROOT / "docs" / "index.md", ROOT / "docs" / "rules" / "README.md"]
    linked = {
        (index.parent / target).resolve() for index in indices for target in LINK.findall(_prose(index))
    }

    assert {page for page in ROOT.glob("docs/**/*.md") if page != indices[0]} <= linked


def test_the_pages_of_the_rules_are_in_step_with_the_rules() -> None:
    argv = [sys.executable, "docs/rules_pages.py", "--check"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, f"run: python docs/rules_pages.py ({done.stderr.strip()[:500]})"


def test_the_comparison_with_other_tools_has_every_fault_that_the_tests_put_in() -> None:
    argv = [sys.executable, "docs/compared.py", "--check"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, f"run: make tools; python docs/compared.py ({done.stderr.strip()[:500]})"


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = [int(page.name[:4]) for page in sorted(ROOT.glob("docs/decisions/*.md"))]

    assert numbers == list(range(1, len(numbers) + 1))


def test_changelog_fragments_can_be_rendered() -> None:
    argv = [sys.executable, "-m", "towncrier", "build", "--draft", "--version", "next"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    fragments = [path for path in (ROOT / "changes").iterdir() if path.name != "README.md"]

    assert done.returncode == 0, done.stderr
    for fragment in fragments:
        assert fragment.read_text().split("\n")[0] in done.stdout
