"""Loading the plan: every source read, the strongest taken, the rest derived, all mistakes told at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunwale.errors import ConfigurationError
from gunwale.plan import capacity as capacities
from gunwale.plan import container, gunicorn_config, inequalities, sources
from gunwale.plan.app import from_flask_app
from gunwale.plan.derive import Surroundings, derive
from gunwale.plan.draft import Draft
from gunwale.plan.model import SECTIONS, SETTINGS, Plan, PlanProblem
from gunwale.plan.origin import Candidate, Origin, Source
from gunwale.plan.server import GUNICORN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gunwale.plan.capacity import Capacity
    from gunwale.plan.server import Traits


def load(  # noqa: PLR0913 - one keyword for each source
    directory: Path,
    *,
    environ: Mapping[str, str],
    config_file: Path | None = None,
    command_line: Mapping[str, object] | None = None,
    sets: Sequence[str] = (),
    server_words: Sequence[str] | None = None,
    own_command: Sequence[Candidate] | None = None,
    gunicorn_says: Mapping[str, Mapping[str, Any]] | None = None,
    capacity: Capacity | None = None,
    in_container: str | None = None,
    servers: Mapping[str, Traits] | None = None,
) -> Plan:
    """Load the plan of the project in *directory*; ConfigurationError holds every mistake in it.

    *command_line* maps dotted keys to options that were given (None: not given; a text is read as the kind
    of its setting reads texts), *sets* are the words of ``--set``, *server_words* what followed ``gunicorn``
    in the user's own command (None: no such command), *own_command* what the command of another server says:
    then no settings of Gunicorn's are read. *gunicorn_says* what its settings come to, if it was asked.
    *capacity* is detected when it is None, and so is
    *in_container*: the evidence of a container, or "". *servers* are those that serve has, by name.
    """
    draft = Draft()
    file = sources.find_file(directory, config_file, draft.errors)
    has_command = server_words is not None or own_command is not None
    gunicorn = (
        gunicorn_config.read(
            directory, environ, server_words or (), gunicorn_says, is_planned=not has_command
        )
        if own_command is None
        else gunicorn_config.GunicornSettings()
    )
    given = _given_to_gunwale(draft, environ, command_line or {}, sets, file)
    written = [*(own_command or ()), *gunicorn.candidates]
    draft.settle(_in_order(given, written, _flask_app(draft, directory, environ), has_command=has_command))
    _take_unknown(draft, gunicorn)
    _note_hidden(draft, file)
    around = Surroundings(
        directory=directory,
        capacity=capacity or capacities.detect(environ=environ),
        container=container.evidence(Path("/"), environ) if in_container is None else in_container,
        kubernetes=container.KUBERNETES if environ.get(container.KUBERNETES) else "",
        has_command=has_command,
        servers=servers or {"gunicorn": GUNICORN},
    )
    derive(draft, around)
    inequalities.check(draft)
    if draft.errors:
        raise ConfigurationError(draft.errors)
    return _plan(draft, file.path if file else None)


def _note_hidden(draft: Draft, file: sources.PlanFile | None) -> None:
    if file and file.also:
        message = f"[tool.gunwale] is not read: {file.path.name} holds the plan"
        draft.note(str(file.also), message, "remove one of the two")


def _given_to_gunwale(
    draft: Draft,
    environ: Mapping[str, str],
    command_line: Mapping[str, object],
    sets: Sequence[str],
    file: sources.PlanFile | None,
) -> list[Candidate]:
    """Collect what was written for gunwale, strongest first."""
    return [
        *sources.from_command_line(command_line, draft.errors),
        *sources.from_set(sets, draft.errors),
        *sources.from_environment(environ, draft.errors),
        *(sources.from_file(file, draft.errors) if file else ()),
    ]


def _in_order(
    given: Sequence[Candidate],
    written: Sequence[Candidate],
    flask_app: Sequence[Candidate],
    *,
    has_command: bool,
) -> list[Candidate]:
    """Put what was *given* to gunwale and what was *written* for a server in order (DESIGN.md §1).

    A server's own command says what it means: PORT, WEB_CONCURRENCY and FLASK_APP, which are defaults there
    too, then come after it.
    """
    weak = [each for each in given if has_command and each.origin.place in sources.DEFAULTS_OF_GUNICORN]
    strong = [each for each in given if each not in weak]
    if has_command:
        return [*strong, *written, *weak, *flask_app]
    file = [each for each in strong if each.origin.source is Source.FILE]
    return [*(each for each in strong if each not in file), *flask_app, *file, *written]


def _flask_app(draft: Draft, directory: Path, environ: Mapping[str, str]) -> list[Candidate]:
    given = environ.get("FLASK_APP", "")
    if not given:
        return []
    found = from_flask_app(directory, given)
    if found.app is None:
        draft.problems.append(PlanProblem(where="FLASK_APP", message=found.why, hint=found.hint, key="app"))
        return []
    origin = Origin(source=Source.ENVIRONMENT, place="FLASK_APP", why=found.why)
    return [Candidate(key="app", value=found.app, origin=origin, is_text=True)]


def _take_unknown(draft: Draft, gunicorn: gunicorn_config.GunicornSettings) -> None:
    for key, why in gunicorn.unknown.items():
        if not draft.is_set(key):
            draft.left_to_server.setdefault(key, why)
    for place, message in gunicorn.notes:
        draft.note(place, message, "its settings stay as Gunicorn reads them")


def _plan(draft: Draft, path: Path | None) -> Plan:
    by_section: dict[str, dict[str, Any]] = {name: {} for name in ("", *SECTIONS)}
    for key in SETTINGS:
        section, _, name = key.rpartition(".")
        by_section[section][name] = draft.values[key]
    sections = {name: owner(**by_section[name]) for name, owner in SECTIONS.items()}
    origins = {key: draft.origins[key] for key in SETTINGS}
    return Plan(
        **by_section[""],
        **sections,
        file=path,
        origins=origins,
        candidates={key: tuple(found) for key, found in draft.candidates.items()},
        problems=tuple(draft.problems),
        left_to_server=draft.left_to_server,
    )
