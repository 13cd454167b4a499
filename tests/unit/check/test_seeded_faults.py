"""The shop and what is rendered for it are clean; each fault of seeded_faults.toml is found, and alone."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

import seeded
from gunwale.check.run import Choice, audit
from seeded import FAULTS, SHOP

if TYPE_CHECKING:
    from pathlib import Path


def _findings(root: Path) -> list[tuple[str, str, int]]:
    """Return everything that the strict profile shows."""
    report = audit(root, Choice(is_strict=True))
    return [(each.rule, each.finding.at.path, each.finding.at.line) for each in report.findings]


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop as it runs in production, under Gunicorn behind nginx."""
    return seeded.deploy(tmp_path_factory.mktemp("deployed") / "shop")


def test_the_shop_itself_is_clean() -> None:
    assert audit(SHOP).findings == ()


def test_the_shop_with_what_is_rendered_for_gunwale_is_clean(tmp_path: Path) -> None:
    root = seeded.copy_shop(tmp_path / "shop")
    seeded.render(root, "gunwale")

    assert audit(root).findings == ()


def test_the_shop_with_what_is_rendered_for_gunicorn_is_clean_to_the_last_note(deployed: Path) -> None:
    assert _findings(deployed) == []


def test_forty_faults_or_more_are_seeded_and_no_two_are_the_same() -> None:
    assert len({(each["rule"], each["at"]["file"], each["at"]["text"]) for each in FAULTS}) == len(FAULTS)
    assert len({each["rule"] for each in FAULTS}) >= 40


@pytest.mark.parametrize("fault", FAULTS, ids=[each["rule"] for each in FAULTS])
def test_a_seeded_fault_is_found_at_its_line_and_nothing_else_is(
    deployed: Path, tmp_path: Path, fault: dict[str, Any]
) -> None:
    root = tmp_path / "shop"
    shutil.copytree(deployed, root)
    seeded.edit(root, fault["edits"])

    assert _findings(root) == [(fault["rule"], *seeded.line(root, fault["at"]))]
