from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from gunwale.errors import GunwaleError, StartError
from gunwale.render import files
from gunwale.render.artifact import Artifact, Change, compare

if TYPE_CHECKING:
    from pathlib import Path


def _changes(directory: Path, **bodies: str) -> list[Change]:
    artifacts = [Artifact(target="test", path=path, body=body) for path, body in bodies.items()]
    return [compare(each, files.read(directory / each.path)) for each in artifacts]


def _listing(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.rglob("*"))


def test_missing_files_are_written_with_their_folders(tmp_path: Path) -> None:
    written = files.write(tmp_path, _changes(tmp_path, **{"deploy/a": "1"}))

    assert [each.artifact.path for each in written] == ["deploy/a"]
    assert (tmp_path / "deploy/a").read_text().endswith("\n1\n")
    assert _listing(tmp_path) == ["a", "deploy"]


def test_a_current_file_is_not_written_again(tmp_path: Path) -> None:
    files.write(tmp_path, _changes(tmp_path, a="1"))
    before = (tmp_path / "a").stat().st_ino

    assert files.write(tmp_path, _changes(tmp_path, a="1")) == []
    assert (tmp_path / "a").stat().st_ino == before


def test_one_file_of_the_users_stops_all(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("mine")

    with pytest.raises(GunwaleError, match="b: was not written by gunwale") as caught:
        files.write(tmp_path, _changes(tmp_path, a="1", b="2"))

    assert caught.value.exit_code == 1
    assert _listing(tmp_path) == ["b"]
    assert (tmp_path / "b").read_text() == "mine"


def test_every_file_that_stands_in_the_way_is_named(tmp_path: Path) -> None:
    files.write(tmp_path, _changes(tmp_path, a="1"))
    (tmp_path / "a").write_text((tmp_path / "a").read_text() + "2")
    (tmp_path / "b").write_text("mine")

    with pytest.raises(GunwaleError) as caught:
        files.write(tmp_path, _changes(tmp_path, a="1", b="2"))

    assert [each.where for each in caught.value.problems] == ["a", "b"]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("theirs")
    (tmp_path / "a").symlink_to("elsewhere")

    with pytest.raises(GunwaleError, match="not written by gunwale"):
        files.write(tmp_path, _changes(tmp_path, a="1"))

    assert (tmp_path / "elsewhere").read_text() == "theirs"


def test_the_mode_of_a_file_stays(tmp_path: Path) -> None:
    files.write(tmp_path, _changes(tmp_path, a="1"))
    (tmp_path / "a").chmod(0o600)

    files.write(tmp_path, _changes(tmp_path, a="2"))

    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_written_leaves_nothing_half_written(tmp_path: Path) -> None:
    files.write(tmp_path, _changes(tmp_path, a="1"))
    before = (tmp_path / "a").read_text()
    (tmp_path / "b").write_text("a file where a folder is wanted")

    with pytest.raises(StartError, match="cannot be written"):
        files.replace({tmp_path / "a": "2", tmp_path / "b" / "c": "3"})

    assert (tmp_path / "a").read_text() == before
    assert _listing(tmp_path) == ["a", "b"]


def test_what_was_moved_is_moved_back_when_a_later_file_fails(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    (tmp_path / "b").mkdir()  # a file is not moved over a folder

    with pytest.raises(StartError, match="cannot be written"):
        files.replace({tmp_path / "a": "2", tmp_path / "new": "2", tmp_path / "b": "3"})

    assert (tmp_path / "a").read_text() == "1"
    assert _listing(tmp_path) == ["a", "b"]


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a")

    with pytest.raises(GunwaleError, match="not written by gunwale"):
        files.write(tmp_path, _changes(tmp_path, a="1"))


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_text("1")
    filled: list[Path] = []

    def fill(path: Path, text: str) -> None:
        if filled:
            raise OSError(errno.ENOSPC, "No space left on device")
        path.write_text(text)
        filled.append(path)

    monkeypatch.setattr(files, "_fill", fill)

    with pytest.raises(StartError, match="No space left on device; nothing was"):
        files.replace({tmp_path / "a": "2", tmp_path / "b": "2"})

    assert (tmp_path / "a").read_text() == "1"
    assert _listing(tmp_path) == ["a"]
