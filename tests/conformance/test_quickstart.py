"""The commands of the quick start are run, in their order, as they stand there."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "quickstart.md").read_text()
FENCED = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# pip install is run by the end-to-end tests, from the README.
INSTALL, *COMMANDS = (text.strip() for text in FENCED.findall(PAGE))
(TOML,) = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
APPLICATION = """\
from flask import Flask

app = Flask(__name__)
app.add_url_rule("/", view_func=lambda: "my own answer\\n")
"""


def quiet_ports() -> tuple[int, int]:
    """Return two free ports that no connection is given by the kernel: they are used seconds later."""
    low = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    first = 10_000 + os.getpid() % max(1, low - 11_000)
    found: list[int] = []
    for port in range(first, low):
        with socket.socket() as sock, contextlib.suppress(OSError):
            sock.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == 2:
            break
    return found[0], found[1]


def run(project: Path, first: str) -> str:
    """Run all commands in one shell, on ports of this test's own; what they and serve said."""
    port, admin = quiet_ports()
    plan = f'{TOML}bind = "127.0.0.1:{port}"\nadmin_bind = "127.0.0.1:{admin}"\n'
    (project / "pyproject.toml").write_text(plan)
    (project / "app.py").write_text(APPLICATION)
    serve = f"{first} --allow-root &" if os.geteuid() == 0 else f"{first} &"
    lines = [serve if line == "gunwale serve app:app &" else line for line in COMMANDS]
    assert serve in lines
    script = "\n".join(lines).replace("127.0.0.1:8000", f"127.0.0.1:{port}")
    script = script.replace("127.0.0.1:8001", f"127.0.0.1:{admin}")
    # The first word of each command is what pip has put on the PATH of the interpreter that runs this.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environ = {name: value for name, value in os.environ.items() if name != "PORT"}
    done = subprocess.run(
        ["bash", "-emuc", script],
        cwd=project,
        env={**environ, "PATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.timeout(180)
@pytest.mark.needs_steering
def test_the_commands_serve_reload_and_stop(project: Path) -> None:
    said = run(project, "gunwale serve app:app")

    assert INSTALL == "pip install ."
    assert "request_timeout" in said  # of the plan
    assert '"status": "ready"' in said
    assert "my own answer" in said
    assert "generation 1 (serving, pid" in said
    assert "generation 2 serves" in said
    assert "generation 1 has ended" in said
    assert "stopped, exit status 0" in said


@pytest.mark.timeout(180)
@pytest.mark.needs_steering
def test_with_the_plan_written_down_gunwale_serve_is_enough(project: Path) -> None:
    assert "my own answer" in run(project, "gunwale serve")
