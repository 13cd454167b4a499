"""The commands of docs/hops.md and of the verdicts are run as they stand, with a front on loopback."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from e2e.proxies import bed, layers
from live import Live, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

PAGE = Path(__file__).resolve().parents[3] / "docs" / "hops.md"
VERDICTS = sorted(PAGE.parent.glob("verdicts/*.md"))


def commands(page: Path) -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


ECHO, *ASKING = commands(PAGE)


def words_of(line: str) -> list[str]:
    program, *words = shlex.split(line)
    assert program == "gunwale"
    return [sys.executable, "-m", "gunwale", *words]


@pytest.fixture
def front(tmp_path: Path) -> Iterator[bed.Front]:
    """Caddy in front of ``gunwale echo``, both as the plan in *tmp_path* declares them."""
    application, http, https = free_port(), free_port(), free_port()
    (tmp_path / "gunwale.toml").write_text(
        f'[serve]\nbind = ["127.0.0.1:{application}"]\nadmin_bind = "off"\n[proxies]\nchain = ["caddy"]\n'
    )
    root = ["--allow-root"] if os.geteuid() == 0 else []
    place = layers.Place(tmp_path, http, https, application, bed.certificate(tmp_path))
    home = {"XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path)}
    with (
        Live([*words_of(ECHO), *root], log=tmp_path / "echo.log", cwd=tmp_path) as echo,
        Live(layers.command("caddy", place), log=tmp_path / "caddy.log", cwd=tmp_path, env=home) as caddy,
    ):
        echo.wait_for_log("serving on")
        caddy.wait_for_log("serving initial configuration")
        yield bed.Front(
            f"http://127.0.0.1:{http}", f"https://127.0.0.1:{https}", f"http://127.0.0.1:{application}"
        )


def run(line: str, front: bed.Front, folder: Path) -> subprocess.CompletedProcess[str]:
    here = line.replace("https://shop.example", front.https).replace("http://shop.example", front.http)
    argv = [*words_of(here), *["--insecure"] * here.startswith("gunwale hops")]
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def test_the_commands_of_the_page_prove_the_counts_of_caddy(front: bed.Front, tmp_path: Path) -> None:
    text, as_json, kept = (run(line, front, tmp_path) for line in ASKING)

    assert (text.returncode, as_json.returncode, kept.returncode) == (0, 0, 0), text.stdout + text.stderr
    assert "PROVEN" in text.stdout
    document = json.loads(as_json.stdout)
    verdicts = {name: each["verdict"] for name, each in document["fields"].items()}
    assert verdicts["x-forwarded-for"] == verdicts["x-forwarded-proto"] == "PROVEN"
    assert document["configured"]["x_for"] == document["fields"]["x-forwarded-for"]["hops"] == 1
    assert "hops = { x_for = 1, x_proto = 1, " in (tmp_path / "gunwale.toml").read_text()
    assert json.loads((tmp_path / "gunwale.hops.json").read_text())["chain"] == ["caddy"]


@pytest.mark.parametrize("page", VERDICTS, ids=lambda page: page.stem)
def test_the_commands_of_a_verdicts_page_run(page: Path, front: bed.Front, tmp_path: Path) -> None:
    done = [run(line, front, tmp_path) for line in commands(page)]

    assert done
    assert [each.returncode for each in done] == [0] * len(done), [each.stderr for each in done]


def test_the_door_past_caddy_is_found_and_its_curl_works(front: bed.Front, tmp_path: Path) -> None:
    found = run(f"gunwale hops https://shop.example/ --door {front.server}/ --format json", front, tmp_path)

    assert found.returncode == 1
    spoof = next(each for each in json.loads(found.stdout)["spoofs"] if "X-Forwarded-For" in each)
    answer = subprocess.run(shlex.split(spoof), capture_output=True, text=True, timeout=30, check=True)
    forged = re.search(r"X-Forwarded-For: ([^']+)'", spoof)
    assert forged is not None
    assert json.loads(answer.stdout)["seen"]["REMOTE_ADDR"] == forged[1]
