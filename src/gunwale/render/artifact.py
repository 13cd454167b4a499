"""One rendered file: it knows whether it was touched, and keeps what stands in the user's regions."""

from __future__ import annotations

import difflib
import hashlib
from dataclasses import dataclass
from enum import StrEnum

from gunwale.plan import rendered

_NOTE = "written from the plan; edit between the >>> and <<< marks only, or change the plan"


class State(StrEnum):
    """How the file on the disk stands to what the plan says."""

    MISSING = "is not there"
    CURRENT = "is in step with the plan"
    STALE = "differs from the plan"
    TOUCHED = "was edited outside of the marks"
    FOREIGN = "was not written by gunwale"
    CROWDED = "has lines between marks that the plan no longer has"


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """The file *path*, relative to the project, as *target* renders it: *body* is all but the first line."""

    target: str
    path: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What an artifact means for the file on the disk: *before* (None: there is none) and *after*."""

    artifact: Artifact
    state: State
    before: str | None
    after: str

    @property
    def is_current(self) -> bool:
        """Whether the file says what the plan says."""
        return self.state is State.CURRENT

    def diff(self) -> str:
        """Return the change as a unified diff, "" where there is none."""
        old = (self.before or "").splitlines(keepends=True)
        path = self.artifact.path
        lines = difflib.unified_diff(old, self.after.splitlines(keepends=True), f"a/{path}", f"b/{path}")
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def compare(artifact: Artifact, before: str | None) -> Change:
    """Tell what *artifact* means for a file that now reads *before*."""
    kept = _kept(before) if before is not None and rendered.stamp_of(before) else {}
    after = _text(artifact, kept)
    return Change(artifact=artifact, state=_state(artifact, before, after, kept), before=before, after=after)


def _state(artifact: Artifact, before: str | None, after: str, kept: dict[str, list[str]]) -> State:
    if before is None:
        return State.MISSING
    stamp = rendered.stamp_of(before)
    if stamp is None:
        return State.FOREIGN
    lines = before.splitlines()[1:]
    if stamp["digest"] != _digest(lines):
        return State.TOUCHED
    offered = {each.name for each in rendered.regions(artifact.body.splitlines())}
    if any(name not in offered and any(map(str.strip, held)) for name, held in kept.items()):
        return State.CROWDED
    return State.CURRENT if before.splitlines() == after.splitlines() else State.STALE


def _text(artifact: Artifact, kept: dict[str, list[str]]) -> str:
    lines = artifact.body.splitlines()
    for region in reversed(rendered.regions(lines)):
        if region.name in kept:
            lines[region.first : region.last] = kept[region.name]
    stamp = f"# gunwale render {artifact.target}: {_digest(lines)} {_NOTE}"
    return "\n".join([stamp, *lines, ""])


def _kept(text: str) -> dict[str, list[str]]:
    lines = text.splitlines()
    return {each.name: lines[each.first : each.last] for each in rendered.regions(lines)}


def _digest(lines: list[str]) -> str:
    """Return the digest of *lines* without what stands between the user's marks."""
    ours = list(lines)
    for region in reversed(rendered.regions(lines)):
        del ours[region.first : region.last]
    return hashlib.sha256("\n".join(ours).encode()).hexdigest()[:16]
