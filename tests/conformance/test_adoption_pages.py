"""The commands of the pages on coming to gunwale and leaving it are run as they stand."""

from __future__ import annotations

import os
import pwd
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from gunwale.serve.gunicorn_settings import INSTEAD, REFUSED
from live import Live, request, wait_until
from served import UNPRIVILEGED, Served, as_user

DOCS = Path(__file__).resolve().parents[2] / "docs"
COMING = (DOCS / "coming-from-gunicorn.md").read_text()
LEAVING = (DOCS / "leaving-gunwale.md").read_text()
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WRAP, AS_USER = (text.strip() for language, text in FENCED.findall(COMING) if language == "sh")
BARE, PLAN = (text.strip() for language, text in FENCED.findall(LEAVING) if language == "sh")
(TOML,) = (text for language, text in FENCED.findall(COMING) if language == "toml")
APPLICATION = """
from flask import Flask

def create_app():
    app = Flask(__name__)
    app.add_url_rule("/", view_func=lambda: "my own answer")
    return app

def close_connections():
    print("connections closed", flush=True)
"""


@pytest.fixture
def shop(project: Path) -> Path:
    (project / "myapp.py").write_text(APPLICATION)
    (project / "gunicorn.conf.py").write_text("workers = 2\nbind = '127.0.0.1:0'\n")
    (project / "pyproject.toml").write_text(TOML)
    return project


def words(line: str, *options: str) -> list[str]:
    """Turn a command of a page into what runs here: on loopback, as whoever runs the tests."""
    first, *rest = shlex.split(line)
    argv = [sys.executable, "-m", first, *rest]
    if rest[:1] == ["serve"]:
        root = ["--allow-root"] if os.geteuid() == 0 else []
        argv[4:4] = [*root, "--admin-bind", "127.0.0.1:0", *options]
    return argv


def test_one_word_in_front_serves_the_same(shop: Path, tmp_path: Path) -> None:
    with Served(words(WRAP), log=tmp_path / "log", cwd=shop, env={"PORT": None}) as served:
        served.wait_for_workers(2)
        assert served.get().text == "my own answer"
        served.terminate()
        assert served.wait_exit(20) == 0
        assert served.log_text().count("connections closed") == 2


@pytest.mark.root
def test_the_line_for_root_serves_as_that_user(shop: Path, tmp_path: Path) -> None:
    line = AS_USER.replace("www-data", pwd.getpwuid(UNPRIVILEGED).pw_name)
    argv, path = as_user(words(line))
    with Served(argv, log=tmp_path / "log", cwd=shop, env={"PORT": None, **path}) as served:
        assert served.get().text == "my own answer"
        assert Path(f"/proc/{served.pid}").stat().st_uid == UNPRIVILEGED


def test_what_is_left_without_gunwale_is_the_command_of_before(shop: Path, tmp_path: Path) -> None:
    assert f"gunwale serve -- {BARE}" == WRAP
    with Live(words(BARE), log=tmp_path / "log", cwd=shop, env={"PORT": None}) as bare:
        port = int(bare.wait_for_log(r"Listening at: \S+:(\d+)")[1])
        wait_until(lambda: request("127.0.0.1", port).text == "my own answer", 10, "an answer")


def test_the_plan_tells_the_values_to_take_along(shop: Path) -> None:
    done = subprocess.run(words(PLAN), cwd=shop, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
    assert "serve" in done.stdout
    assert "myapp:close_connections" in done.stdout


def test_every_setting_that_serve_refuses_or_replaces_is_on_the_page() -> None:
    shown = COMING.replace("HTTP/2", "http_protocols http2_cleartext").replace("-", "_")
    aliases = {"accesslog": "access_logfile", "access_log_format": "access_logformat", "pidfile": "pid"}
    unsaid = {"initgroups"}  # nothing changes: serve always does that
    missing = {
        name
        for name in {*REFUSED, *INSTEAD} - unsaid
        if aliases.get(name, name.removesuffix("s")) not in shown
    }

    assert missing == set()
