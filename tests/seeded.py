"""The shop as deployed, and the faults put into copies of it: for tests, and for docs/compared.py."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from gunwale.render import files
from gunwale.render.deployment import load_deployment
from gunwale.render.survey import survey
from gunwale.serve.servers import traits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parents[1]
SHOP = ROOT / "examples" / "shop"
TABLE = tomllib.loads((ROOT / "tests" / "unit" / "check" / "seeded_faults.toml").read_text())
FAULTS = TABLE["fault"]


def edit(root: Path, edits: Sequence[Mapping[str, str]]) -> None:
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


def line(root: Path, place: Mapping[str, str]) -> tuple[str, int]:
    """Return where the one line that is *text*, or has it, is: a line may be rendered above it one day."""
    lines = list(enumerate((root / place["file"]).read_text().splitlines(), 1))
    whole = [number for number, text in lines if text == place["text"]]
    (number,) = whole or [number for number, text in lines if place["text"] in text]
    return place["file"], number


def copy_shop(root: Path) -> Path:
    """Copy the shop to *root*, with its packages locked."""
    unwanted = shutil.ignore_patterns("__pycache__", "instance", "tests", ".*_cache")
    shutil.copytree(SHOP, root, ignore=unwanted)
    (root / "requirements.txt").write_text(TABLE["requirements"])
    return root


def render(root: Path, command: str) -> None:
    """Write the files of its deployment, started by *command*."""
    plan = TABLE["plan"].replace("COMMAND", command)
    (root / "pyproject.toml").write_text((root / "pyproject.toml").read_text() + plan)
    files.write(root, survey(load_deployment(root, None, traits()), ()))


def deploy(root: Path) -> Path:
    """Put the shop into *root* as it runs in production, under Gunicorn behind nginx."""
    copy_shop(root)
    edit(root, TABLE["production"])
    render(root, "gunicorn")
    return root
