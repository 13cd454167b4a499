"""The shop and what is rendered for it are clean; each fault of seeded_faults.toml is found, and alone."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gunwale.check.run import Choice, audit
from gunwale.render import files
from gunwale.render.deployment import load_deployment
from gunwale.render.survey import survey
from gunwale.serve.servers import traits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SHOP = Path(__file__).parents[3] / "examples" / "shop"
TABLE = tomllib.loads(Path(__file__).with_name("seeded_faults.toml").read_text())
FAULTS = TABLE["fault"]


def _edit(root: Path, edits: Sequence[Mapping[str, str]]) -> None:
    """Replace the one *old* of each file by its *new*; a file without *old* is written anew."""
    for each in edits:
        path = root / each["file"]
        if "old" in each:
            text = path.read_text()

            assert text.count(each["old"]) == 1, each
            path.write_text(text.replace(each["old"], each["new"]))
        else:
            assert not path.exists(), each
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(each["new"])


def _line(root: Path, place: Mapping[str, str]) -> tuple[str, int]:
    """Return where the one line that is *text*, or has it, is: a line may be rendered above it one day."""
    lines = list(enumerate((root / place["file"]).read_text().splitlines(), 1))
    whole = [number for number, line in lines if line == place["text"]]
    (number,) = whole or [number for number, line in lines if place["text"] in line]
    return place["file"], number


def _findings(root: Path) -> list[tuple[str, str, int]]:
    """Return everything that the strict profile shows."""
    report = audit(root, Choice(is_strict=True))
    return [(each.rule, each.finding.at.path, each.finding.at.line) for each in report.findings]


def _render(root: Path, command: str) -> None:
    plan = TABLE["plan"].replace("COMMAND", command)
    (root / "pyproject.toml").write_text((root / "pyproject.toml").read_text() + plan)
    files.write(root, survey(load_deployment(root, None, traits()), ()))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Give a function that copies the shop to a new folder of that name, with its packages locked."""

    def copy(name: str) -> Path:
        root = tmp_path_factory.mktemp(name) / "shop"
        unwanted = shutil.ignore_patterns("__pycache__", "instance", "tests", ".*_cache")
        shutil.copytree(SHOP, root, ignore=unwanted)
        (root / "requirements.txt").write_text(TABLE["requirements"])
        return root

    return copy


@pytest.fixture(scope="module")
def deployed(shop: Callable[[str], Path]) -> Path:
    """The shop as it runs in production, under Gunicorn behind nginx."""
    root = shop("deployed")
    _edit(root, TABLE["production"])
    _render(root, "gunicorn")
    return root


def test_the_shop_itself_is_clean() -> None:
    assert audit(SHOP).findings == ()


def test_the_shop_with_what_is_rendered_for_gunwale_is_clean(shop: Callable[[str], Path]) -> None:
    root = shop("rendered")
    _render(root, "gunwale")

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
    _edit(root, fault["edits"])

    assert _findings(root) == [(fault["rule"], *_line(root, fault["at"]))]
