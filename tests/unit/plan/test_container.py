from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gunwale.plan import container

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", [".dockerenv", "run/.containerenv"])
def test_a_container_is_known_by_its_files(tmp_path: Path, name: str) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / name).touch()

    assert container.evidence(tmp_path, {}) == f"/{name}"


@pytest.mark.parametrize("name", ["KUBERNETES_SERVICE_HOST", "ECS_CONTAINER_METADATA_URI_V4"])
def test_a_container_is_known_by_its_environment(tmp_path: Path, name: str) -> None:
    assert container.evidence(tmp_path, {name: "x"}) == name
    assert container.evidence(tmp_path, {name: ""}) == ""


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ("4:cpu,cpuacct:/docker/abc\n0::/\n", "/docker/ in /proc/self/cgroup"),
        ("0::/kubepods.slice/pod1\n", "/kubepods in /proc/self/cgroup"),
        pytest.param("0::/user.slice/user-1000.slice\n", "", id="a login session"),
        pytest.param("0::/\n", "", id="a cgroup namespace says nothing"),
    ],
)
def test_a_container_is_known_by_its_control_group(tmp_path: Path, groups: str, expected: str) -> None:
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "proc" / "self" / "cgroup").write_text(groups)

    assert container.evidence(tmp_path, {}) == expected


def test_a_machine_without_proc_is_no_container(tmp_path: Path) -> None:
    assert container.evidence(tmp_path, {}) == ""
