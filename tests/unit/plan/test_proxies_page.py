"""The pages on proxies and on counts say what the table of layers says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from gunwale.plan.layers import LAYERS, LETTERS

ROOT = Path(__file__).resolve().parents[3]
COUNTS = ROOT / "docs" / "which-counts.md"
PAGE = ROOT / "docs" / "proxies.md"
SCRIPT = ROOT / "docs" / "proxies_table.py"


def test_the_tables_are_in_step_with_the_known_layers() -> None:
    done = subprocess.run([sys.executable, str(SCRIPT), "--check"], check=False, timeout=60)

    assert done.returncode == 0, "run: python docs/proxies_table.py"


def test_every_layer_and_every_operation_is_on_the_page() -> None:
    text = PAGE.read_text()

    assert [name for name in (*LAYERS, *LETTERS.values()) if f"`{name}`" not in text] == []


def test_every_layer_has_its_counts_on_a_page() -> None:
    text = COUNTS.read_text()

    assert [name for name in LAYERS if f"\n| `{name}` | " not in text] == []


def test_a_count_that_is_not_known_is_to_be_measured() -> None:
    (row,) = (line for line in COUNTS.read_text().splitlines() if line.startswith("| `cloud-run` |"))

    assert row.split(" | ")[1:3] == ["measure", "1"]
