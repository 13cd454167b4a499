# ruff: noqa: INP001 - a script beside the page it writes, no package
"""Write the tables of docs/promises.md from what runs of the conformance tests have found.

python docs/promises_table.py           # gives new tests their rows, as not run yet
python docs/promises_table.py FOLDER    # takes the reports that make promises left there
python docs/promises_table.py --check   # exit 1 where the page, the record and the tests differ

A test that takes a *variant* is a promise, and its name says which: there is no list to keep.
What was found is kept in promises.json, so that a new test needs a run of its own only.
"""

from __future__ import annotations

import ast
import importlib.metadata
import json
import os
import platform
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests"))
from served import VARIANTS, Variant  # noqa: E402 - after the line above

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

PAGE = Path(__file__).with_name("promises.md")
RECORD = Path(__file__).with_name("promises.json")
TESTS = "tests/conformance"
BEGIN, END = "<!-- begin: docs/promises_table.py -->\n", "<!-- end: docs/promises_table.py -->\n"
PLACES = {"steered": (), "without": ("--without-steering",)}
"""What the reports' names begin with, and how pytest is told to run there."""
FIRST = ("test_sigterm", "test_lame_duck", "test_drain", "test_reload")
BARE = "test_sigterm::test_the_bare_server_is_counted_by_the_same_measure"
STOPS = {
    BARE: "alone",
    "test_sigterm::test_sigterm_under_load_loses_nothing": "under `gunwale serve`",
    "test_sigterm::test_sigterm_under_load_loses_nothing_where_nothing_is_steered": "under it, not steered",
}
_WRITTEN = (
    "SIGTERM",
    "SIGQUIT",
    "SIGINT",
    "SIGUSR1",
    "PEP",
    "HTTP",
    "RFC",
    "Unix",
    "Ctrl-C",
    "TTIN",
    "TTOU",
    "CPU",
    "MiB",
)
_SPELLED = {word.lower().replace("-", " "): word for word in _WRITTEN}

Found = dict[str, dict[str, Any]]
"""By test and variant: how often it ran in each place, how often it was not kept, and what it measured."""


def note(found: Found, module: str, title: str, place: str) -> dict[str, Any] | None:
    """Count one run; None for a test that is not of one variant."""
    test, _, parameters = title.partition("[")
    variant = next(("-".join(each) for each in VARIANTS if "-".join(each) in parameters), None)
    if variant is None:
        return None
    cell: dict[str, Any] = found.setdefault(f"{module}::{test}", {}).setdefault(variant, {})
    cell[place] = cell.get(place, 0) + 1
    return cell


def read(folder: Path) -> Found:
    """Read the JUnit reports of a run; exit where a test has failed: that is no promise to print."""
    found: Found = {}
    failed = []
    for report in sorted(folder.glob("*.xml")):
        place = next(each for each in PLACES if report.name.startswith(each))
        for case in ET.parse(report).getroot().iter("testcase"):  # noqa: S314 - our own pytest has written it
            title, module = case.get("name", ""), case.get("classname", "").rpartition(".")[2]
            skipped = case.find("skipped")
            if case.find("failure") is not None or case.find("error") is not None:
                failed.append(f"{report.name}: {module}::{title}")
            elif skipped is None or skipped.get("type") == "pytest.xfail":
                cell = note(found, module, title, place)
                if cell is not None and skipped is not None:
                    cell["not kept"] = cell.get("not kept", 0) + 1
                for told in case.iter("property"):
                    if cell is not None and told.get("name") == "stop":
                        cell.setdefault("stop", _figures(json.loads(told.get("value", ""))))
    if failed:
        sys.exit("failed:\n" + "\n".join(failed))
    return found


def _figures(stop: dict[str, int]) -> list[int]:
    broken = stop["broken"] + stop["broken_reused"]
    return [stop["in_flight"], stop["lost"], broken, stop["keepalive_broken"], stop["keepalive_clients"]]


def collect() -> Found:
    """Ask pytest for the tests there are."""
    found: Found = {}
    for place, options in PLACES.items():
        words = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "not soak and not docker"]
        words += [*options, TESTS]
        said = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True, timeout=100).stdout
        for module, title in re.findall(rf"^{TESTS}/(\w+)\.py::(.+)$", said, re.MULTILINE):
            note(found, module, title, place)
    return found


def shape(found: Found) -> set[tuple[str, str, str]]:
    """Give the places of every variant of every test: what the page and the tests must agree on."""
    return {
        (test, variant, place)
        for test, cells in found.items()
        for variant, cell in cells.items()
        for place in PLACES.keys() & cell.keys()
    }


def merge(wanted: Found, now: Found, before: Found) -> Found:
    """Give what is known of the tests there are: by this run, else by an earlier one; 0 for not run yet."""
    found: Found = {}
    for test, variant, place in sorted(shape(wanted)):
        cell = found.setdefault(test, {}).setdefault(variant, {})
        new, old = (of.get(test, {}).get(variant, {}) for of in (now, before))
        known = new if place in new else old
        cell[place] = known.get(place, 0)
        cell |= {key: known[key] for key in ("not kept", "stop") if key in known}
    return found


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    return "".join(f"| {' | '.join(line)} |\n" for line in (heads, ["---"] * len(heads), *rows))


def name(variant: Variant) -> str:
    """Give the word of a table's head."""
    return variant.worker_class if variant.server == "gunicorn" else variant.server


def promise(test: str) -> str:
    """Say a test's name as a sentence."""
    said = test.removeprefix("test_").replace("_", " ")
    for plain, written in _SPELLED.items():
        said = re.sub(rf"\b{plain}\b", written, said)
    return said


def answer(cell: dict[str, Any] | None) -> str:
    """Say what one variant does about one promise."""
    if not cell:
        return "–"
    if not all(cell[place] for place in PLACES.keys() & cell.keys()):
        return "not run yet"
    if cell.get("not kept"):
        return "**no**"
    return "yes" if "without" in cell else "steered"


def promises(found: Found) -> Iterator[str]:
    """Give a table for each module of tests."""
    rank = {module: number for number, module in enumerate(FIRST)}
    modules = {test.partition("::")[0] for test in found}
    for module in sorted(modules, key=lambda each: (rank.get(each, len(rank)), each)):
        tree = ast.parse((ROOT / TESTS / f"{module}.py").read_text(encoding="utf-8"))
        title = (ast.get_docstring(tree) or module).partition("\n")[0].rstrip(".").replace("``", "`")
        rows = []
        for test in (f"{module}::{node.name}" for node in tree.body if isinstance(node, ast.FunctionDef)):
            if test in found and test != BARE:
                cells = [found[test].get("-".join(variant)) for variant in VARIANTS]
                runs = Counter({place: sum((cell or {}).get(place, 0) for cell in cells) for place in PLACES})
                rows.append((promise(test.partition("::")[2]), *map(answer, cells), str(runs.total())))
        yield f"\n### {title}\n\n`{TESTS}/{module}.py`\n\n"
        yield table(("promise", *map(name, VARIANTS), "runs"), rows)


def stops(found: Found, circumstances: str) -> Iterator[str]:
    """Give the table of what one SIGTERM under load cost, alone and under serve."""
    rows = []
    for variant in VARIANTS:
        server = f"Gunicorn {name(variant)}" if variant.server == "gunicorn" else variant.server.title()
        for test, of in STOPS.items():
            *counts, broken, clients = found[test]["-".join(variant)]["stop"]
            rows.append((f"{server} {of}", *map(str, counts), f"{broken} of {clients}"))
    yield f"\n### One SIGTERM under load, alone and under serve\n\n{circumstances}\n\n"
    heads = ("server", "in flight at SIGTERM", "of them lost", "accepted afterwards, then broken")
    yield table((*heads, "keep-alive clients broken"), rows)


def measured_with() -> str:
    """Say on what the figures were measured."""
    programs = ("gunicorn", "gevent", "waitress")
    versions = ", ".join(f"{each} {importlib.metadata.version(each)}" for each in programs)
    kernel = f"{platform.system()} {platform.release().partition('-')[0]}"
    cpus = len(os.sched_getaffinity(0))
    python, day = platform.python_version(), time.strftime("%Y-%m-%d")
    return f"Measured on {day} with {versions}, CPython {python}, {kernel}, {cpus} CPUs."


def page(record: dict[str, Any]) -> str:
    """Return the page as it should be."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    found = record["found"]
    tables = "".join((*stops(found, record["measured"]), *promises(found), "\n"))
    return f"{before}{BEGIN}{tables}{END}{after}"


def main() -> None:
    """Write the page, or check it."""
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    wanted = collect()
    if sys.argv[1:] == ["--check"]:
        differing = sorted({test for test, _, _ in shape(record["found"]) ^ shape(wanted)})
        if differing or page(record) != PAGE.read_text(encoding="utf-8"):
            sys.exit("not in step: " + ", ".join(differing or [str(PAGE)]))
        return
    now = read(Path(sys.argv[1])) if sys.argv[1:] else {}
    if STOPS.keys() <= now.keys():
        record["measured"] = measured_with()
    record["found"] = merge(wanted, now, record["found"])
    RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(record), encoding="utf-8")


if __name__ == "__main__":
    main()
