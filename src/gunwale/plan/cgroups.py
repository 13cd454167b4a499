"""The limits of this process's own control groups and of every ancestor that is visible: v1, v2, hybrid."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_NO_LIMIT = 2**62  # cgroup v1 writes "no limit" as the largest multiple of the page size


class Limit(NamedTuple):
    """One limit: *cpu* in CPUs or *memory* in bytes, and the file that says so."""

    cpu: float | None
    memory: int | None
    source: str


class _Mount(NamedTuple):
    root: PurePosixPath  # the part of the hierarchy that is mounted
    point: PurePosixPath
    controllers: frozenset[str]  # empty: the unified hierarchy


def limits(root: Path) -> Iterator[Limit]:
    """Yield every limit on this process, as seen in the file system under *root*."""
    mounts = list(_mounts(root))
    for controllers, path in _own_groups(root):
        for mount in mounts:
            if _belongs(mount, controllers):
                for directory in _upwards(mount, path):
                    yield from _limits_in(root, directory, is_unified=not mount.controllers)


def _belongs(mount: _Mount, controllers: frozenset[str]) -> bool:
    return bool(mount.controllers & controllers) if controllers else not mount.controllers


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _own_groups(root: Path) -> Iterator[tuple[frozenset[str], PurePosixPath]]:
    # cgroups(7): hierarchy-ID:controller-list:path; the unified hierarchy is "0::/path".
    for line in _read(root / "proc/self/cgroup").splitlines():
        parts = line.split(":", 2)
        if len(parts) == 3:
            yield frozenset(filter(None, parts[1].split(","))), PurePosixPath(parts[2] or "/")


def _mounts(root: Path) -> Iterator[_Mount]:
    # proc(5), mountinfo: … root mount-point options … - type source super-options.
    for line in _read(root / "proc/self/mountinfo").splitlines():
        before, separator, after = line.partition(" - ")
        fields, rest = before.split(), after.split()
        if not separator or len(fields) < 5 or len(rest) < 3 or rest[0] not in ("cgroup", "cgroup2"):
            continue
        controllers = frozenset() if rest[0] == "cgroup2" else frozenset(rest[2].split(","))
        yield _Mount(PurePosixPath(_unescape(fields[3])), PurePosixPath(_unescape(fields[4])), controllers)


def _unescape(field: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        field = field.replace(code, character)
    return field


def _upwards(mount: _Mount, group: PurePosixPath) -> Iterator[PurePosixPath]:
    """Yield the directory of *group* and of each ancestor down to the mount point."""
    try:
        inside = group.relative_to(mount.root)
    except ValueError:
        # The mount shows another part of the hierarchy (Docker mounts the container's own group at the
        # top, while /proc/self/cgroup names the host's path): its top is the nearest that is visible.
        inside = PurePosixPath()
    if ".." in inside.parts:
        inside = PurePosixPath()
    directory = mount.point / inside
    while True:
        yield directory
        if directory == mount.point:
            return
        directory = directory.parent


def _limits_in(root: Path, directory: PurePosixPath, *, is_unified: bool) -> Iterator[Limit]:
    here = root / directory.relative_to("/")
    if is_unified:
        readings = [
            (_quota_v2(_read(here / "cpu.max")), None, "cpu.max"),
            (None, _bytes(_read(here / "memory.max")), "memory.max"),
            (_cpus(_read(here / "cpuset.cpus.effective")), None, "cpuset.cpus.effective"),
        ]
    else:
        quota, period = _read(here / "cpu.cfs_quota_us"), _read(here / "cpu.cfs_period_us")
        effective = "cpuset.effective_cpus"
        readings = [
            (_quota(quota, period), None, "cpu.cfs_quota_us"),
            (None, _bytes(_read(here / "memory.limit_in_bytes")), "memory.limit_in_bytes"),
            (_cpus(_read(here / effective) or _read(here / "cpuset.cpus")), None, effective),
        ]
    for cpu, memory, name in readings:
        if cpu is not None or memory is not None:
            yield Limit(cpu, memory, str(directory / name))


def _quota_v2(text: str) -> float | None:
    words = text.split()
    return _quota(words[0], words[1]) if len(words) == 2 else None


def _quota(quota: str, period: str) -> float | None:
    if not (quota.isdigit() and period.isdigit() and int(quota) > 0 and int(period) > 0):
        return None  # "max", or -1
    return int(quota) / int(period)


def _bytes(text: str) -> int | None:
    return int(text) if text.isdigit() and 0 < int(text) < _NO_LIMIT else None


def _cpus(text: str) -> float | None:
    """Count a list such as "0-3,8"."""
    count = 0
    for part in filter(None, text.split(",")):
        first, dash, last = part.partition("-")
        last = last if dash else first
        if not (first.isdigit() and last.isdigit()):
            return None
        count += int(last) - int(first) + 1
    return float(count) if count > 0 else None
