"""The load from a shell against the shop: pages, orders, an upload, slow readers, and the orders counted."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from e2e.images import ROOT
from live import Live, free_port
from served import command

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

SHOP = ROOT / "examples" / "shop"
APP = "shop:create_app()"


def test_a_load_from_a_shell_finds_every_order_where_the_shop_keeps_it(tmp_path: Path) -> None:
    env = {**os.environ, "FLASK_INSTANCE_PATH": str(tmp_path / "instance")}
    subprocess.run(
        [sys.executable, "-m", "flask", "--app", "shop", "seed"], cwd=SHOP, env=env, check=True, timeout=60
    )
    port = free_port()
    argv = command("-k", "gthread", "--bind", f"127.0.0.1:{port}", "--admin-bind", "off", app=APP)
    with Live(argv, log=tmp_path / "log", cwd=SHOP, env=env) as serve:
        serve.wait_for_log(r"serving on", 60)
        words = ["-m", "gunwale.measure.load", f"http://127.0.0.1:{port}", "--mix", "load.toml", "--app", APP]
        done = subprocess.run(
            [sys.executable, *words, "--rate", "30", "--duration", "3", "--try", "--grace", "20"],
            cwd=SHOP,
            env=env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert done.returncode == 0, done.stdout + done.stderr
    accepted = re.search(r"POSTs: (\d+) accepted, (\d+) stored, 0 lost, 0 doubled", done.stdout)
    assert accepted is not None
    assert accepted[1] == accepted[2]
    assert int(accepted[1]) >= 5
