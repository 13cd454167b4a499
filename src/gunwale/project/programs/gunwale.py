"""gunwale serve: what its options, its environment and the plan's file say; or the command behind "--"."""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING

from gunwale.project.facts import Given, Unknown
from gunwale.project.readers.plan_file import PlanFile
from gunwale.project.start import NotWeb, Server

if TYPE_CHECKING:
    from gunwale.project.follow import Call, Path
    from gunwale.project.start import Outcome

NAMES = ("gunwale",)
# Each setting of the plan, by Gunicorn's name for it, and the options of serve that give it.
_SETTINGS = {
    "worker_class": ("serve.worker_class", ("-k", "--worker-class")),
    "workers": ("serve.workers", ("-w", "--workers")),
    "threads": ("serve.threads", ("--threads",)),
    "bind": ("serve.bind", ("-b", "--bind")),
    "timeout": ("serve.request_timeout", ("-t", "--request-timeout")),
    "graceful_timeout": ("serve.drain_timeout", ("--drain-timeout",)),
    "keepalive": ("serve.keepalive", ()),
    "accesslog": ("serve.access_log", ()),
    "preload_app": ("serve.preload", ()),
    "user": ("", ("--user",)),
}
_OTHER_OPTIONS = ("--server", "--admin-bind", "--lame-duck", "--set", "--env-file", "--config")


def follow(call: Call, path: Path) -> Outcome:
    """Put what is given together, the strongest last; a command of the user's own keeps its settings."""
    words = list(call.words[1:])
    texts = [each.value for each in words]
    if "serve" not in texts:
        return NotWeb(" ".join(call.texts[:2]))
    if "--" in texts:
        own = tuple(words[texts.index("--") + 1 :])
        path.stays("gunwale serve", call.at, passes_signals=True)
        outcome = path.follow(call.with_words(own)) if own else Unknown("gunwale serve -- without a command")
        return replace(outcome, name="gunwale") if isinstance(outcome, Server) else outcome
    plan = _plan(path)
    settings = _planned(plan)
    application = _application(plan, call)
    rest = words[texts.index("serve") + 1 :]
    while rest:
        word = rest.pop(0)
        name, equals, value = word.value.partition("=")
        ours = next((key for key, (_, options) in _SETTINGS.items() if name in options), None)
        if ours is not None or name in _OTHER_OPTIONS:
            given = word if equals else (rest.pop(0) if rest else word)
            if ours is not None:
                settings[ours] = _value(value if equals else given.value, given)
        elif not name.startswith("-"):
            application = word.value
    return Server(
        name="gunwale", at=call.at, application=application, settings=settings, words=tuple(call.texts)
    )


def _plan(path: Path) -> PlanFile | None:
    """Return the plan that serve finds where it is started: gunwale.toml before pyproject.toml."""
    image = path.launch.image
    for name in ("gunwale.toml", "pyproject.toml"):
        there = posixpath.normpath(posixpath.join(path.launch.directory, name))
        found = image.find(path.project, name) if image is not None else there
        if found is not None and found in path.project.tree:
            plan = path.project.one(PlanFile, found)
            if plan is not None:
                return plan
    return None


def _planned(plan: PlanFile | None) -> dict[str, Given[object] | Unknown]:
    found: dict[str, Given[object] | Unknown] = {}
    for name, (key, _) in _SETTINGS.items():
        given = plan.get(key) if plan is not None and key else None
        if given is not None:
            found[name] = _value(given.value, given)
    # What is not given, gunwale works out where it starts.
    for name in ("workers", "threads", "bind", "graceful_timeout", "keepalive", "accesslog"):
        found.setdefault(name, Unknown(f"gunwale works out {name} where it starts"))
    return found


def _value(value: object, given: Given[object] | Given[str]) -> Given[object] | Unknown:
    if value == "auto" or "$" in str(value):
        return Unknown(f"{value} is not known before the start")
    return Given(value, given.at, given.variables)


def _application(plan: PlanFile | None, call: Call) -> str:
    if "FLASK_APP" in call.environ:
        return call.environ["FLASK_APP"].value
    given = plan.get("app") if plan is not None else None
    return str(given.value) if given is not None else ""
