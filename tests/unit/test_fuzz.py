"""bench/fuzz.py finds what there is to find, and lets the parser pass."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FUZZ = Path(__file__).resolve().parents[2] / "bench" / "fuzz.py"


def fuzz(*words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, str(FUZZ), *words]
    return subprocess.run(argv, capture_output=True, text=True, timeout=110, check=False)


def test_the_fuzzer_passes_the_parser_and_says_how_much_it_sent() -> None:
    done = fuzz("--requests", "1350")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "requests in" in done.stdout
    assert "no finding" in done.stdout


def test_the_fuzzer_finds_what_proxyfix_believes() -> None:
    done = fuzz("--requests", "100000", "--against", "proxyfix")

    assert done.returncode == 1
    assert "Failing test case" in done.stdout
