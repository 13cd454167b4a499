"""Where the project's own plan and its other files disagree."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from gunwale.plan import chain
from gunwale.plan.model import SETTINGS
from gunwale.project.facts import Given
from gunwale.project.fronts import fronts
from gunwale.project.health import LIVENESS, READINESS
from gunwale.project.observed import KINDS, Observed, addresses, directory, observed, shown, size
from gunwale.project.probed import asked
from gunwale.project.python.observed import observed_in_sources
from gunwale.project.readers.plan_file import PlanFile
from gunwale.project.roles import Role, role
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.facts import Place
    from gunwale.project.model import Project
    from gunwale.project.start import Start

_POOL = "database.pool_size + max_overflow"
_SIZES = ("resources.memory", "proxies.chain max_body")
_LIVENESS, _READINESS = "health.liveness_path", "health.readiness_path"


class Disagreement(NamedTuple):
    """A value of the plan: what it is *here*, *at* a place of another file, and what is *planned*."""

    key: str
    here: str
    at: Place
    planned: str
    planned_at: Place


def disagreements(project: Project) -> Iterator[Disagreement]:
    """Yield each value of a plan that another file of the project contradicts."""
    plans = [each for each in project.of(PlanFile) if role(each.path) is not Role.DEVELOPMENT]
    for start in project.derive(web_starts):
        plan = _plan(plans, start)
        if plan is None:
            continue
        platform = plan.value("rollout.platform")
        if platform is not None and start.launch.kind not in (*KINDS.get(str(platform.value), ()), "plan"):
            continue
        yield from _compared(plan, [*observed(project, start), *_of_fronts(project, start)])
        yield from _paths(project, plan, start)
    if len(plans) == 1:  # whose application several would mean is not known
        yield from _compared(_Planned(plans[0]), list(observed_in_sources(project)))


def _plan(plans: list[PlanFile], start: Start) -> _Planned | None:
    """Return the plan in the nearest directory above what is started."""
    here = directory(start)
    above = [
        each
        for each in plans
        if (folder := posixpath.dirname(each.path)) == "" or f"{here}/".startswith(f"{folder}/")
    ]
    best = max(above, key=lambda each: len(posixpath.dirname(each.path)), default=None)
    return _Planned(best) if best is not None else None


class _Planned:
    """What a plan gives, in the plan's own terms; a value that is none of its kind is not there."""

    def __init__(self, file: PlanFile) -> None:
        self.file = file

    def value(self, key: str) -> Given[object] | None:
        """Return what the plan gives *key*."""
        special = {
            "serve.bind": self._bind,
            "serve.access_log": self._access_log,
            "proxies.hops": self._hops,
            _POOL: self._pool,
        }
        if key in special:
            return special[key]()
        if key.startswith("proxies.chain "):
            return self._last(key.partition(" ")[2])
        return self.file.get(key) if key.startswith("security.cookies.") else self._read(key)

    def _read(self, key: str) -> Given[object] | None:
        given = self.file.get(key)
        if given is None:
            return None
        try:
            value = SETTINGS[key].kind.read(given.value)
        except (ValueError, TypeError, AttributeError):
            return None  # which is gunwale plan's to say
        return Given(frozenset(value) if isinstance(value, tuple | list) else value, given.at)

    def _bind(self) -> Given[object] | None:
        given = self.file.get("serve.bind")
        several = given.value if given is not None and isinstance(given.value, list) else None
        if given is not None and isinstance(given.value, str):
            several = given.value.split(",")
        return Given(addresses([str(each) for each in several]), given.at) if given and several else None

    def _access_log(self) -> Given[object] | None:
        given = self._read("serve.access_log")
        return Given(given.value != "off", given.at) if given is not None else None

    def _pool(self) -> Given[object] | None:
        size_, more = self._read("database.pool_size"), self._read("database.max_overflow")
        if size_ is None or more is None:
            return None
        return Given(int(str(size_.value)) + int(str(more.value)), size_.at)

    def _chain(self) -> Given[object] | None:
        given = self.file.get("proxies.chain")
        if given is None:
            return None
        try:
            return Given(SETTINGS["proxies.chain"].kind.read(given.value), given.at)
        except (ValueError, TypeError, AttributeError):
            return None

    def _hops(self) -> Given[object] | None:
        given, declared = self._read("proxies.hops"), self._chain()
        if given is not None or declared is None or not isinstance(declared.value, tuple):
            return given
        counts = chain.hops(chain.layers(declared.value), []) if declared.value else None
        return Given(counts, declared.at) if counts is not None else None

    def _last(self, name: str) -> Given[object] | None:
        """Return what the chain gives its last layer, by that layer's own key."""
        declared = self._chain()
        layers = declared.value if declared is not None and isinstance(declared.value, tuple) else ()
        last = layers[-1] if layers else None
        if declared is None or not isinstance(last, dict) or name not in last:
            return None
        return Given(last[name], declared.at)


def _compared(plan: _Planned, found: list[Observed]) -> Iterator[Disagreement]:
    for key, value, at in found:
        planned = plan.value(key)
        if planned is None or planned.at.path == at.path or planned.value == "auto":
            continue
        here, there = value, planned.value
        if isinstance(here, dict) and isinstance(there, dict):  # of several counts those that differ
            here = {name: count for name, count in here.items() if there.get(name, 0) != count}
            there = {name: there.get(name, 0) for name in here}
        if not _agrees(key, here, there):
            write = size if key in _SIZES else shown
            yield Disagreement(key, write(here), at, write(there), planned.at)


def _agrees(key: str, here: object, planned: object) -> bool:
    if key == "image.base":
        return here == planned or str(here).startswith(f"{planned}-")
    if key == "app":
        return str(here) == "".join(str(planned).split())
    if isinstance(here, int | float) and isinstance(planned, int | float):
        return float(here) == float(planned)
    return here == planned


def _of_fronts(project: Project, start: Start) -> Iterator[Observed]:
    for front in project.derive(fronts):
        if front.start is start:
            body, idle = front.last.max_body, front.last.idle_timeout
            if body is not None:
                yield Observed("proxies.chain max_body", body.value, body.at)
            if idle is not None:
                yield Observed("proxies.chain idle_timeout", idle.value, idle.at)


def _paths(project: Project, plan: _Planned, start: Start) -> Iterator[Disagreement]:
    """Compare the paths that are asked: a probe's with its own, another check's with either."""
    given = {key: plan.value(key) for key in (_LIVENESS, _READINESS)}
    if not any(given.values()):
        return
    paths = {key: str(found.value if found else SETTINGS[key].default) for key, found in given.items()}
    for each in project.derive(asked):
        if each.start is not start:
            continue
        keys = {LIVENESS: (_LIVENESS,), READINESS: (_READINESS,)}.get(each.by, (_READINESS, _LIVENESS))
        place = next((found.at for key in keys if (found := given[key]) is not None), None)
        wanted = [paths[key] for key in keys]
        if place is not None and place.path != each.at.path and each.path not in wanted:
            yield Disagreement(keys[0], each.path, each.at, " or ".join(wanted), place)
