"""The scoreboard has no name to remove, and cannot be cut short under those who map it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from served import Served, Variant


def scoreboards(pid: int) -> list[Path]:
    held = Path(f"/proc/{pid}/fd").iterdir()
    return [each for each in held if "gunwale-scoreboard" in str(each.readlink())]


def test_nobody_can_remove_it_or_cut_it_short(variant: Variant, serve: Callable[..., Served]) -> None:
    served = serve(*variant.options)
    served.wait_for_workers(2)
    for pid in served.pids():
        board = scoreboards(pid)[0]  # mmap holds a second descriptor
        assert str(board.readlink()) == "/memfd:gunwale-scoreboard (deleted)"
        fd = os.open(board, os.O_RDWR)
        try:
            with pytest.raises(PermissionError):
                os.ftruncate(fd, 0)
            with pytest.raises(PermissionError):
                os.ftruncate(fd, 1 << 30)
        finally:
            os.close(fd)

    assert served.get("/").status == 200
    assert served.ask_admin("/metrics").status == 200
