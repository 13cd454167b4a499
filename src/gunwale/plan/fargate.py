"""The task sizes that Fargate has (AWS: task CPU and memory; cfn-lint 1.58's fargate_cpu_memory.json)."""

from __future__ import annotations

from typing import NamedTuple

_MIB, _GIB = 2**20, 1024
# CPU units → memory in MiB
SIZES: dict[int, tuple[int, ...]] = {
    256: (512, 1024, 2048),
    512: tuple(range(_GIB, 4 * _GIB + 1, _GIB)),
    1024: tuple(range(2 * _GIB, 8 * _GIB + 1, _GIB)),
    2048: tuple(range(4 * _GIB, 16 * _GIB + 1, _GIB)),
    4096: tuple(range(8 * _GIB, 30 * _GIB + 1, _GIB)),
    8192: tuple(range(16 * _GIB, 60 * _GIB + 1, 4 * _GIB)),
    16384: tuple(range(32 * _GIB, 120 * _GIB + 1, 8 * _GIB)),
    32768: (61440, 122880, 249856),
}


class Size(NamedTuple):
    """A task's size: CPU *units* (1024 are one CPU) and *memory* in MiB."""

    units: int
    memory: int


def exact(cpu: float, memory: int | None) -> Size | None:
    """Return the size of *cpu* CPUs and *memory* bytes (None: the least), None where there is none."""
    units = cpu * 1024
    if units not in SIZES:
        return None
    if memory is None:
        return Size(int(units), SIZES[int(units)][0])
    return Size(int(units), memory // _MIB) if memory / _MIB in SIZES[int(units)] else None


def fitting(cpu: float, memory: int | None) -> Size | None:
    """Return the least size that holds *cpu* CPUs and *memory* bytes, None where none does."""
    for units, sizes in SIZES.items():
        for each in sizes:
            if units >= cpu * 1024 and each * _MIB >= (memory or 0):
                return Size(units, each)
    return None
