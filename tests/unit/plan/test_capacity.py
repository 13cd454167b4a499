from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from gunwale.plan import capacity

if TYPE_CHECKING:
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


@pytest.mark.skipif(sys.platform != "linux", reason="affinity and cgroups are Linux's")
def test_this_machine_has_at_most_what_the_kernel_lets_it_run_on() -> None:
    found = capacity.detect()

    assert 0 < found.cpu <= len(os.sched_getaffinity(0))
    assert found.memory
    assert found.cpu_why
