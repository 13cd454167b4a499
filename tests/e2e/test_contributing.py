"""The worked example of CONTRIBUTING.md is a server that keeps the promise."""

from __future__ import annotations

import re
import shutil
import sys
import time
from pathlib import Path

import pytest

from gunwale.measure.load import Ask, LoadProcess, Profile
from gunwale.measure.process import OwnedProcess

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
FILE_BLOCK = re.compile(r"^`(src/gunwale/\S+\.py)`:\n\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
APPLICATION = """\
import time

def application(environ, start_response):
    time.sleep(0.1)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"whole"]
"""


def test_the_server_of_the_worked_example_loses_nothing_at_sigterm(tmp_path: Path) -> None:
    written = FILE_BLOCK.findall((ROOT / "CONTRIBUTING.md").read_text())
    assert [Path(name).parent.parent.name for name, _ in written] == ["serve", "runtime"]
    shutil.copytree(ROOT / "src", tmp_path / "src")
    for name, text in written:
        (tmp_path / name).write_text(text)
    (tmp_path / "application.py").write_text(APPLICATION)

    argv = [sys.executable, "-m", "gunwale", "serve", "application:application", "--server", "wsgiref"]
    argv += ["--bind", "127.0.0.1:0", "--admin-bind", "off", "--allow-root"]
    environ = {"PYTHONPATH": str(tmp_path / "src")}
    with OwnedProcess(argv, log=tmp_path / "log", cwd=tmp_path, env=environ) as served:
        address = served.wait_for_log(r"serving on (\S+?:\d+)")[1]
        profile = Profile(target=f"http://{address}", rate=40, mix=(Ask(),), keepalive_clients=4)
        with LoadProcess(profile) as load:
            time.sleep(1)  # what the load is: a second of it before the signal
            load.burst(20)
            stopped = served.terminate()
            status = served.wait_exit(30)
            result = load.stop(grace=2)

    assert result.in_flight_at(stopped)
    assert result.lost_in_flight_at(stopped) == ()
    assert result.broken_after(stopped) == ()
    assert result.broken_clients_after(stopped) == ()
    assert status == 0
