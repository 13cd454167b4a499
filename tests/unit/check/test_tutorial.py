"""The set-up that tutorials teach: each of its faults is found at its line, and mended it is clean."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from gunwale.check.run import Choice, audit

FILES = tomllib.loads(Path(__file__).with_name("tutorial.toml").read_text())["file"]
PLATFORMS = pytest.mark.parametrize("platform", ["docker", "ecs"])


def _findings(root: Path, platform: str, kind: str) -> list[tuple[str, str, int]]:
    """Write the files as taught or as mended, and return all that the strict profile shows."""
    for each in FILES:
        if each.get("platform", platform) == platform:
            path = root / each["name"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(each.get(kind, each["taught"]))
    report = audit(root, Choice(is_strict=True))
    return sorted((each.rule, each.finding.at.path, each.finding.at.line) for each in report.findings)


def _expected(platform: str) -> list[tuple[str, str, int]]:
    found = []
    for each in FILES:
        for rule, text, *only in each.get("found", []):
            lines = enumerate(each["taught"].splitlines(), 1)
            (line,) = [number for number, written in lines if written.strip().startswith(text)]
            if platform in (only or (each.get("platform", platform),)):
                found.append((rule, each["name"], line))
    return sorted(found)


@PLATFORMS
def test_each_fault_that_tutorials_teach_is_found_at_its_line(tmp_path: Path, platform: str) -> None:
    assert _findings(tmp_path, platform, "taught") == _expected(platform)


@PLATFORMS
def test_the_mended_set_up_is_clean_to_the_last_note(tmp_path: Path, platform: str) -> None:
    assert _findings(tmp_path, platform, "mended") == []
