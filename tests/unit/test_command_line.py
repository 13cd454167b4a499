"""How the command line ends, whichever verb it was."""

from __future__ import annotations

import signal
import socket
import sys
from typing import TYPE_CHECKING

import pytest

from live import Live

if TYPE_CHECKING:
    from pathlib import Path


def gunwale(tmp_path: Path, *words: str) -> Live:
    return Live([sys.executable, "-m", "gunwale", *words], log=tmp_path / "log", cwd=tmp_path)


def test_ctrl_c_in_the_middle_is_neither_yes_nor_no(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(20)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with gunwale(tmp_path, "hops", url) as asking, silent.accept()[0]:
            asking.send(signal.SIGINT)

            assert asking.wait_exit(10) == 128 + signal.SIGINT
    assert "Traceback" not in asking.log_text()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--version",), 0, "gunwale, version"),
        (("plan", "--help"), 0, "Usage: gunwale plan"),
        (("plam",), 2, "did you mean 'plan'?"),
        (("plan", "--format", "yaml"), 2, "Usage: gunwale plan"),
        (("check", "--select", "no-such-rule"), 2, "no-such-rule"),
    ],
)
def test_an_end_has_its_code_and_its_words(
    tmp_path: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    with gunwale(tmp_path, *words) as ended:
        assert ended.wait_exit(20) == code
    assert said in ended.log_text()
