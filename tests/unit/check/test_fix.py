"""--fix and --diff: what is mended mechanically, and nothing else of the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from gunwale.check.finding import Fix
from gunwale.check.fix import mended
from gunwale.cli import main

if TYPE_CHECKING:
    from pathlib import Path

BEFORE = 'FROM python:3.13-slim\r\nUSER 1000\r\nCMD ["gunicorn", "-w", "4", "app:app"]\r\n'
AFTER = BEFORE.replace('"gunicorn", ', '"gunicorn", "--access-logfile", "-", ')


def _check(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["check", *map(str, words)])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Dockerfile").write_bytes(BEFORE.encode())
    return tmp_path


def test_fix_mends_the_line_and_keeps_the_ends_of_lines(project: Path) -> None:
    done = _check(project, "--fix", "--select", "access-log")

    assert (project / "Dockerfile").read_bytes().decode() == AFTER
    assert done.exit_code == 0
    assert done.stderr == "mended 1: what is left\n"


def test_a_second_fix_has_nothing_to_do(project: Path) -> None:
    _check(project, "--fix", "--select", "access-log")
    done = _check(project, "--fix", "--select", "access-log")

    assert (project / "Dockerfile").read_bytes().decode() == AFTER
    assert done.stderr == ""


def test_diff_shows_the_change_and_changes_nothing(project: Path) -> None:
    done = _check(project, "--diff", "--select", "access-log")

    assert (project / "Dockerfile").read_bytes().decode() == BEFORE
    assert done.exit_code == 1
    assert '+CMD ["gunicorn", "--access-logfile", "-", "-w", "4", "app:app"]' in done.stdout


def test_what_is_not_selected_is_not_mended(project: Path) -> None:
    _check(project, "--fix", "--select", "root")

    assert (project / "Dockerfile").read_bytes().decode() == BEFORE


@pytest.mark.parametrize(
    ("fix", "expected"),
    [
        (Fix("a", 2, 2, "x"), "1\nx\n3\n"),
        (Fix("a", 2, 1, "x"), "1\nx\n2\n3\n"),  # before the line
        (Fix("a", 1, 3, "x\ny"), "x\ny\n"),
    ],
)
def test_a_fix_replaces_its_lines_or_comes_before_them(fix: Fix, expected: str) -> None:
    assert mended("1\n2\n3\n", [fix]) == expected
