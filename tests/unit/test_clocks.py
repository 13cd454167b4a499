"""No duration is measured by the wall clock, which operators and NTP step."""

from __future__ import annotations

import ast
from pathlib import Path

import gunwale

PACKAGE = Path(gunwale.__file__).parent
WALL_CLOCK = {"time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "datetime.today", "time.gmtime"}
# Where the time of day itself is wanted: the stamps of log lines.
STAMPS = {
    "serve/supervisor.py: say",
    "runtime/access_log.py: _json_line",
    "runtime/access_log.py: render_combined",
    "runtime/gunicorn_once.py: once_a_second",
    "runtime/gunicorn_once.py: kept_http_date",
}


def wall_clock_readers(source: str) -> set[str]:
    """Name the functions that read the wall clock, by whichever name they know it."""
    tree = ast.parse(source)
    short = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    found = set()
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            called = {ast.unparse(n.func) for n in ast.walk(function) if isinstance(n, ast.Call)}
            named = {short.get(name, name) for name in called}
            if any(name == clock or name.endswith(f".{clock}") for name in named for clock in WALL_CLOCK):
                found.add(function.name)
    return found


def test_the_wall_clock_is_read_for_stamps_only() -> None:
    files = [*PACKAGE.glob("serve/**/*.py"), *PACKAGE.glob("runtime/**/*.py")]
    found = {
        f"{path.relative_to(PACKAGE).as_posix()}: {name}"
        for path in files
        for name in wall_clock_readers(path.read_text())
    }

    assert found == STAMPS


def test_a_reader_of_the_wall_clock_is_found_by_any_name() -> None:
    source = "from time import time as now\nimport time, datetime as dt\n"
    source += "def a(): return now()\ndef b(): return time.time()\ndef c(): return dt.datetime.now()\n"
    source += "def d(): return time.monotonic()\n"

    assert wall_clock_readers(source) == {"a", "b", "c"}
