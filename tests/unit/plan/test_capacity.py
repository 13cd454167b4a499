from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from gunwale.plan import capacity, container

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gunwale.plan.capacity import Capacity

MIB = 2**20
UNIFIED = "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = (
    "31 24 0:27 / /sys/fs/cgroup/cpu,cpuacct rw shared:10 - cgroup cgroup rw,cpu,cpuacct\n"
    "32 24 0:28 / /sys/fs/cgroup/memory rw shared:11 - cgroup cgroup rw,memory\n"
    "33 24 0:29 / /sys/fs/cgroup/cpuset rw shared:12 - cgroup cgroup rw,cpuset\n"
)
NO_LIMIT_V1 = str(2**63 - 4096)


class Machine:
    """A file system tree as the kernel shows it to a process."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("proc/meminfo", "MemTotal:        4194304 kB\nMemFree:         1 kB\n")

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def v2(self, group: str) -> None:
        self.write("proc/self/mountinfo", UNIFIED)
        self.write("proc/self/cgroup", f"0::{group}\n")

    def v1(self, group: str, mounts: str = V1) -> None:
        self.write("proc/self/mountinfo", mounts)
        lines = [
            f"{number}:{name}:{group}" for number, name in ((4, "cpu,cpuacct"), (3, "memory"), (2, "cpuset"))
        ]
        self.write("proc/self/cgroup", "\n".join([*lines, "1:name=systemd:/", "0::/", ""]))

    def detect(self, affinity: int = 8, **options: object) -> Capacity:
        return capacity.detect(self.root, affinity=affinity, **options)  # type: ignore[arg-type]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_without_cgroups_affinity_and_memtotal_decide(machine: Machine) -> None:
    found = machine.detect(affinity=3)

    assert (found.cpu, found.memory) == (3.0, 4096 * MIB)
    assert found.cpu_why == "CPU affinity"
    assert found.memory_why == "MemTotal of /proc/meminfo"


def test_v2_quota_and_limit_of_the_own_group(machine: Machine) -> None:
    machine.v2("/app")
    machine.write("sys/fs/cgroup/app/cpu.max", "150000 100000\n")
    machine.write("sys/fs/cgroup/app/memory.max", f"{256 * MIB}\n")

    found = machine.detect()

    assert (found.cpu, found.memory) == (1.5, 256 * MIB)
    assert found.cpu_why == "/sys/fs/cgroup/app/cpu.max"
    assert found.memory_why == "/sys/fs/cgroup/app/memory.max"


def test_v2_max_is_no_limit(machine: Machine) -> None:
    machine.v2("/app")
    machine.write("sys/fs/cgroup/app/cpu.max", "max 100000\n")
    machine.write("sys/fs/cgroup/app/memory.max", "max\n")

    assert (machine.detect().cpu, machine.detect().memory) == (8.0, 4096 * MIB)


def test_half_a_cpu_is_half_a_cpu(machine: Machine) -> None:
    machine.v2("/app")
    machine.write("sys/fs/cgroup/app/cpu.max", "50000 100000\n")

    assert machine.detect().cpu == 0.5


def test_v2_lower_limit_in_an_ancestor_counts(machine: Machine) -> None:
    machine.v2("/pods/pod1/app")
    machine.write("sys/fs/cgroup/pods/pod1/app/cpu.max", "400000 100000\n")
    machine.write("sys/fs/cgroup/pods/pod1/app/memory.max", "max\n")
    machine.write("sys/fs/cgroup/pods/pod1/cpu.max", "100000 100000\n")
    machine.write("sys/fs/cgroup/pods/memory.max", f"{512 * MIB}\n")

    found = machine.detect()

    assert (found.cpu, found.memory) == (1.0, 512 * MIB)
    assert found.cpu_why == "/sys/fs/cgroup/pods/pod1/cpu.max"


def test_v2_higher_limit_in_an_ancestor_does_not(machine: Machine) -> None:
    machine.v2("/pods/app")
    machine.write("sys/fs/cgroup/pods/app/cpu.max", "100000 100000\n")
    machine.write("sys/fs/cgroup/pods/cpu.max", "400000 100000\n")

    assert machine.detect().cpu == 1.0


def test_a_sibling_s_limit_does_not_count(machine: Machine) -> None:
    machine.v2("/app")
    machine.write("sys/fs/cgroup/other/cpu.max", "10000 100000\n")

    assert machine.detect().cpu == 8.0


def test_cgroup_namespace_shows_the_own_group_as_the_root(machine: Machine) -> None:
    machine.v2("/")
    machine.write("sys/fs/cgroup/cpu.max", "200000 100000\n")
    machine.write("sys/fs/cgroup/memory.max", f"{128 * MIB}\n")

    assert (machine.detect().cpu, machine.detect().memory) == (2.0, 128 * MIB)


def test_a_group_outside_of_the_namespace_ends_at_the_mount(machine: Machine) -> None:
    # nsdelegate and a process moved in from outside: /proc/self/cgroup says "/../other".
    machine.v2("/../other")
    machine.write("sys/fs/cgroup/cpu.max", "200000 100000\n")

    assert machine.detect().cpu == 2.0


def test_cpuset_counts_its_cpus(machine: Machine) -> None:
    machine.v2("/app")
    machine.write("sys/fs/cgroup/app/cpuset.cpus.effective", "0-2,7\n")

    found = machine.detect()

    assert found.cpu == 4.0
    assert found.cpu_why == "/sys/fs/cgroup/app/cpuset.cpus.effective"


def test_v1_quota_and_limit(machine: Machine) -> None:
    machine.v1("/docker/abc")
    machine.write("sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us", "50000\n")
    machine.write("sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us", "100000\n")
    machine.write("sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", f"{256 * MIB}\n")
    machine.write("sys/fs/cgroup/cpuset/docker/abc/cpuset.effective_cpus", "0-3\n")

    found = machine.detect()

    assert (found.cpu, found.memory) == (0.5, 256 * MIB)
    assert "/sys/fs/cgroup/cpuset/docker/abc/cpuset.effective_cpus: 4 CPUs" in found.sources


def test_v1_minus_one_and_its_largest_number_are_no_limit(machine: Machine) -> None:
    machine.v1("/")
    machine.write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n")
    machine.write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n")
    machine.write("sys/fs/cgroup/memory/memory.limit_in_bytes", f"{NO_LIMIT_V1}\n")

    assert (machine.detect().cpu, machine.detect().memory) == (8.0, 4096 * MIB)


def test_v1_lower_limit_in_an_ancestor_counts(machine: Machine) -> None:
    machine.v1("/kubepods/pod1/app")
    machine.write("sys/fs/cgroup/memory/kubepods/pod1/app/memory.limit_in_bytes", NO_LIMIT_V1)
    machine.write("sys/fs/cgroup/memory/kubepods/memory.limit_in_bytes", str(700 * MIB))
    machine.write("sys/fs/cgroup/cpu,cpuacct/kubepods/pod1/cpu.cfs_quota_us", "120000")
    machine.write("sys/fs/cgroup/cpu,cpuacct/kubepods/pod1/cpu.cfs_period_us", "100000")

    assert (machine.detect().cpu, machine.detect().memory) == (1.2, 700 * MIB)


def test_v1_in_docker_the_mount_is_the_containers_own_group(machine: Machine) -> None:
    mounts = V1.replace("0:27 / ", "0:27 /docker/abc ").replace("0:28 / ", "0:28 /docker/abc ")
    machine.v1("/docker/abc", mounts)
    machine.write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "25000")
    machine.write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "50000")
    machine.write("sys/fs/cgroup/memory/memory.limit_in_bytes", str(64 * MIB))

    assert (machine.detect().cpu, machine.detect().memory) == (0.5, 64 * MIB)


def test_hybrid_reads_both_hierarchies(machine: Machine) -> None:
    machine.v1("/app", V1 + UNIFIED.replace("/sys/fs/cgroup ", "/sys/fs/cgroup/unified "))
    machine.write("sys/fs/cgroup/memory/app/memory.limit_in_bytes", str(300 * MIB))
    machine.write("sys/fs/cgroup/unified/cpu.max", "300000 100000")

    assert (machine.detect().cpu, machine.detect().memory) == (3.0, 300 * MIB)


def test_shares_and_weights_are_never_read(machine: Machine) -> None:
    machine.v2("/app")
    machine.write("sys/fs/cgroup/app/cpu.weight", "10\n")
    machine.v1("/app", V1 + UNIFIED)
    machine.write("sys/fs/cgroup/cpu,cpuacct/app/cpu.shares", "256\n")

    assert machine.detect().cpu == 8.0


@pytest.mark.parametrize("text", ["", "garbage", "0 0", "100000", "-5 100000", "x 100000"])
def test_a_quota_that_cannot_be_read_is_no_limit(machine: Machine, text: str) -> None:
    machine.v2("/app")
    machine.write("sys/fs/cgroup/app/cpu.max", text)

    assert machine.detect().cpu == 8.0


@pytest.mark.parametrize("text", ["", "garbage", "3-", "-1", "x-2", ",,"])
def test_a_cpuset_that_cannot_be_read_is_no_limit(machine: Machine, text: str) -> None:
    machine.v2("/app")
    machine.write("sys/fs/cgroup/app/cpuset.cpus.effective", text)

    assert machine.detect().cpu == 8.0


def test_a_mount_point_with_a_space_is_followed(machine: Machine) -> None:
    machine.v2("/app")
    machine.write("proc/self/mountinfo", UNIFIED.replace("/sys/fs/cgroup", "/my\\040groups"))
    machine.write("my groups/app/cpu.max", "100000 100000")

    assert machine.detect().cpu == 1.0


class _Metadata(BaseHTTPRequestHandler):
    body = b""
    status = 200

    def do_GET(self) -> None:
        is_task = self.path == "/v4/abc/task"
        self.send_response(self.status if is_task else 404)
        self.end_headers()
        self.wfile.write(self.body if is_task else b"")

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def task_metadata(body: bytes, status: int = 200) -> Iterator[dict[str, str]]:
    """The ECS task metadata endpoint, as an environment that names it."""
    handler = type("Handler", (_Metadata,), {"body": body, "status": status})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield {capacity.ECS_METADATA: f"http://127.0.0.1:{server.server_address[1]}/v4/abc"}
        finally:
            server.shutdown()
            thread.join()


def test_fargate_limits_are_those_of_the_task(machine: Machine) -> None:
    # The container's own group says "max": the quota is the task's, and not visible from inside.
    machine.v2("/ecs/task/container")
    machine.write("sys/fs/cgroup/ecs/task/container/cpu.max", "max 100000")
    limits = {"Limits": {"CPU": 0.25, "Memory": 512}, "Containers": [{"Limits": {"CPU": 2}}]}

    with task_metadata(json.dumps(limits).encode()) as environ:
        found = machine.detect(affinity=2, environ=environ)

    assert (found.cpu, found.memory) == (0.25, 512 * MIB)
    assert found.cpu_why == found.memory_why == "ECS task metadata"


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{}", 200), (b"not json", 200), (b"[]", 200), (b"", 500), (b'{"Limits": {"CPU": "x"}}', 200)],
)
def test_fargate_metadata_that_says_nothing_changes_nothing(
    machine: Machine, body: bytes, status: int
) -> None:
    with task_metadata(body, status) as environ:
        assert machine.detect(affinity=2, environ=environ).cpu == 2.0


def test_metadata_that_cannot_be_reached_is_said_so(machine: Machine) -> None:
    with task_metadata(b"") as environ:
        pass  # now nobody listens there

    found = machine.detect(affinity=2, environ=environ)

    assert found.cpu == 2.0
    assert any(source.startswith("ECS task metadata: not read: ") for source in found.sources)


def test_metadata_is_only_asked_over_plain_http() -> None:
    with pytest.raises(ValueError, match="not an http address"):
        capacity.fetch_json("file:///etc/passwd")


@pytest.mark.skipif(sys.platform != "linux", reason="affinity and cgroups are Linux's")
def test_this_machine_has_at_most_what_the_kernel_lets_it_run_on() -> None:
    found = capacity.detect()

    assert 0 < found.cpu <= len(os.sched_getaffinity(0))
    assert found.memory
    assert found.cpu_why


@pytest.mark.parametrize("name", [".dockerenv", "run/.containerenv"])
def test_a_container_is_known_by_its_files(machine: Machine, name: str) -> None:
    machine.write(name, "")

    assert container.evidence(machine.root, {}) == f"/{name}"


@pytest.mark.parametrize("name", ["KUBERNETES_SERVICE_HOST", "ECS_CONTAINER_METADATA_URI_V4"])
def test_a_container_is_known_by_its_environment(machine: Machine, name: str) -> None:
    assert container.evidence(machine.root, {name: "x"}) == name
    assert container.evidence(machine.root, {name: ""}) == ""


def test_a_container_is_known_by_its_group(machine: Machine) -> None:
    machine.v1("/docker/abc")

    assert container.evidence(machine.root, {}) == "/docker/ in /proc/self/cgroup"


def test_a_plain_machine_is_no_container(machine: Machine) -> None:
    machine.v2("/user.slice/user-1000.slice")

    assert container.evidence(machine.root, {}) == ""
    assert container.evidence(machine.root / "nowhere", {}) == ""
