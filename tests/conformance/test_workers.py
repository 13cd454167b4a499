"""How many workers `auto` comes to: as many as CPU can use and as measured memory holds twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from served import Served, command

if TYPE_CHECKING:
    from pathlib import Path


def started(project: Path, log: Path, *options: str) -> Served:
    words = command("--bind", "127.0.0.1:0", "--admin-bind", "127.0.0.1:0", *options)
    return Served(words, log=log, cwd=project)


def test_auto_takes_what_cpu_can_use(project: Path, tmp_path: Path) -> None:
    with started(project, tmp_path / "log", "--set", "resources.cpu=1.5") as served:
        served.wait_for_log(r"workers: 3 \(⌈2 × 1.5 CPUs⌉ = 3; memory holds more")

        served.wait_until(lambda: served.metric('gunwale_workers{state="booted"}') == 3, 20, "three workers")


def test_where_one_worker_is_all_that_fits_it_has_threads(project: Path, tmp_path: Path) -> None:
    with started(project, tmp_path / "log", "--set", "resources.memory=40MiB") as served:
        served.wait_for_log("one worker is all that fits: as gthread with 4 threads")
        served.wait_for_log("Using worker: gthread")

        assert served.get("/").status == 200
        assert served.metric("gunwale_workers_target") == 1
        served.terminate()
        assert served.wait_exit(20) == 0


def test_a_worker_class_that_was_chosen_stands(project: Path, tmp_path: Path) -> None:
    with started(project, tmp_path / "log", "-k", "sync", "--set", "resources.memory=40MiB") as served:
        served.wait_for_log("serving on")

        assert "Using worker: sync" in served.log_text()
        assert "gthread" not in served.log_text()


def test_a_number_that_was_written_stands_with_a_warning(project: Path, tmp_path: Path) -> None:
    with started(project, tmp_path / "log", "-w", "5", "--set", "resources.memory=8MiB") as served:
        served.wait_for_log(r"warning: 5 workers of \d+ MiB each pass 80 % of 8 MiB")

        served.wait_until(lambda: served.metric('gunwale_workers{state="booted"}') == 5, 20, "five workers")
