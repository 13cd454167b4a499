"""gunicorn.conf.py, evaluated by its syntax tree; what depends on the machine's CPUs is said to."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunwale.plan.symbolic import Known, Reader
from gunwale.project.facts import Given, Unknown, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gunwale.project.facts import Source

TOPIC = "server"
_FEW, _MANY = 1, 64  # CPUs: a value that differs between the two depends on their number
CPU_COUNT = "cpu_count()"  # stands among a value's variables


@dataclass(frozen=True, slots=True, eq=False)
class GunicornConfig:
    """One configuration file."""

    path: str
    source: Source
    tree: ast.Module

    def settings(self, environ: Mapping[str, str]) -> dict[str, Given[object] | Unknown]:
        """Return every lower-case name it gives, in an environment; read on a machine with one CPU.

        A value that would be another on a larger machine has CPU_COUNT among its variables.
        """
        few, many = (self._read(environ, count) for count in (_FEW, _MANY))
        found: dict[str, Given[object] | Unknown] = {}
        for name in few.names:
            value, other = few.setting(name), many.setting(name)
            if name != name.lower() or name.startswith("_") or value is None:
                continue
            if not isinstance(value, Known):
                if "function or class" not in value.why and "imported" not in value.why:
                    found[name] = Unknown(f"{self.path}:{value.line}: {value.why}")
            else:
                varies = isinstance(other, Known) and other.value != value.value
                found[name] = Given(value.value, self.source.at(value.line), (CPU_COUNT,) if varies else ())
        return found

    def _read(self, environ: Mapping[str, str], cpu_count: int) -> Reader:
        reader = Reader(environ=environ, cpu_count=cpu_count)
        reader.read(self.tree.body)
        return reader


def is_one(path: str) -> bool:
    """Tell by the name: the one Gunicorn looks for itself."""
    return path.rpartition("/")[2] in ("gunicorn.conf.py", "gunicorn_config.py", "gunicorn_conf.py")


def read(source: Source) -> GunicornConfig:
    """Read one file."""
    try:
        return GunicornConfig(source.path, source, ast.parse(source.text))
    except SyntaxError as error:
        raise UnreadableError("not Python", error.lineno or 0) from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise UnreadableError(f"not parsed: {type(error).__name__}") from error
