"""The page on proxies says what the table of layers says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from gunwale.plan.layers import LAYERS, LETTERS

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "proxies.md"
SCRIPT = ROOT / "docs" / "proxies_table.py"


def test_the_tables_are_in_step_with_the_known_layers() -> None:
    done = subprocess.run([sys.executable, str(SCRIPT), "--check"], check=False, timeout=60)

    assert done.returncode == 0, "run: python docs/proxies_table.py"


def test_every_layer_and_every_operation_is_on_the_page() -> None:
    text = PAGE.read_text()

    assert [name for name in (*LAYERS, *LETTERS.values()) if f"`{name}`" not in text] == []
