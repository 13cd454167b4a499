"""docs/rehearse.md: its table is what the cells of the matrix have counted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_table_is_in_step_with_what_was_counted() -> None:
    argv = [sys.executable, "bench/rehearse_matrix.py", "--check"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, f"run: make matrix ({done.stderr.strip()[-500:]})"


def test_no_cell_of_the_matrix_lost_anything() -> None:
    found = json.loads((ROOT / "docs" / "matrix.json").read_text())

    assert {name: each["failures"] for name, each in found.items() if each["failed"]} == {}
    assert all(each["posts"]["lost"] == each["posts"]["doubled"] == 0 for each in found.values())
    assert sum(each["requests"] for each in found.values()) >= 20_000
