"""Keeping what was measured: the counts in the plan's file, the dated result beside it as evidence."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tomllib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gunwale import __version__
from gunwale.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

RECORD = "gunwale.hops.json"
_HEADER = re.compile(r"[ \t]*\[[ \t]*([^\[\]]+?)[ \t]*\][ \t]*(?:#.*)?")
_HOPS = re.compile(r"([ \t]*hops[ \t]*=[ \t]*)(\{[^{}\n]*\})(.*)", re.DOTALL)


def chain_hash(chain: Sequence[object]) -> str:
    """Return the SHA-256 of a declared chain; the order of a layer's keys does not matter."""
    text = json.dumps(list(chain), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def record(folder: Path, result: Mapping[str, object], chain: Sequence[object]) -> Path:
    """Write the dated *result* with its chain into *folder*; the earlier record is replaced whole."""
    path = folder / RECORD
    document = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "gunwale": __version__,
        "chain": list(chain),
        "chain_sha256": chain_hash(chain),
        "result": dict(result),
    }
    _replace(path, json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    return path


def apply(path: Path, counts: Mapping[str, int]) -> bool:
    """Write *counts* as ``proxies.hops`` into the plan's file; every other byte stays as it is.

    Returns whether anything changed. ConfigurationError when the file is written in a way that cannot be
    changed so; nothing is written then.
    """
    try:
        before = path.read_bytes().decode()
        old = tomllib.loads(before)
    except (OSError, ValueError) as error:
        raise _cannot(path, counts, f"cannot be read: {error}") from error
    section = _section(path, old)
    after = _with_counts(before, section, counts)
    if _parsed(after) != _expected(old, section, counts):
        raise _cannot(path, counts, "holds [proxies] in a form that is not changed by machine")
    if after == before:
        return False
    _replace(path, after)
    return True


def _section(path: Path, values: Mapping[str, Any]) -> tuple[str, ...]:
    is_table = isinstance(values.get("tool"), dict) and "gunwale" in values["tool"]
    return ("tool", "gunwale", "proxies") if is_table or path.name == "pyproject.toml" else ("proxies",)


def _line(counts: Mapping[str, int]) -> str:
    return "{ " + ", ".join(f"{name} = {count}" for name, count in counts.items()) + " }"


def _with_counts(text: str, section: Sequence[str], counts: Mapping[str, int]) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines(keepends=True)
    start = next((i for i, line in enumerate(lines) if _names(line) == tuple(section)), None)
    if start is None:
        gap = "" if not text else newline if text.endswith("\n") else newline * 2
        return f"{text}{gap}[{'.'.join(section)}]{newline}hops = {_line(counts)}{newline}"
    end = next((i for i in range(start + 1, len(lines)) if _HEADER.match(lines[i])), len(lines))
    for index in range(start + 1, end):
        if match := _HOPS.fullmatch(lines[index]):
            lines[index] = f"{match[1]}{_line(counts)}{match[3]}"
            return "".join(lines)
    if not lines[start].endswith("\n"):
        lines[start] += newline
    lines.insert(start + 1, f"hops = {_line(counts)}{newline}")
    return "".join(lines)


def _names(line: str) -> tuple[str, ...]:
    match = _HEADER.fullmatch(line.rstrip("\r\n"))
    return tuple(part.strip(" \t\"'") for part in match[1].split(".")) if match else ()


def _parsed(text: str) -> object:
    try:
        return tomllib.loads(text)
    except ValueError:
        return None


def _expected(old: Mapping[str, Any], section: Sequence[str], counts: Mapping[str, int]) -> dict[str, Any]:
    """Return what the file should hold: the old values, and the counts."""
    if not section:
        return {**old, "hops": dict(counts)}
    inner = old.get(section[0], {})
    return {**old, section[0]: _expected(inner if isinstance(inner, dict) else {}, section[1:], counts)}


def _replace(path: Path, text: str) -> None:
    """Write *text* beside *path* and rename it: a reader never sees half a file."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        new.write_bytes(text.encode())
        if path.exists():
            new.chmod(path.stat().st_mode & 0o7777)
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        problem = Problem(
            where=str(path), message=f"cannot be written: {error.strerror}", hint="see its rights"
        )
        raise ConfigurationError(problem) from error


def _cannot(path: Path, counts: Mapping[str, int], why: str) -> ConfigurationError:
    hint = f"write it by hand, in [proxies]: hops = {_line(counts)}"
    return ConfigurationError(Problem(where=str(path), message=why, hint=hint))
