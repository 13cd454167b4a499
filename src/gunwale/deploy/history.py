"""Which release a rollback goes back to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from gunwale.deploy.state import Release, Site


def earlier(site: Site, wanted: str | None) -> Release:
    """Return *wanted*, or the release before that which is live, as it was deployed first.

    Where a roll-out was cut short, it is the one that was live before.
    """
    if not site.live:
        message = "no release was rolled out yet"
        raise ConfigurationError(Problem(where=site.name, message=message, hint="gunwale up"))
    now = site.releases[site.live[-1]]
    if wanted:
        if wanted not in site.live:
            hint = f"these were: {', '.join(site.live)}"
            raise ConfigurationError(Problem(where=wanted, message="was never live here", hint=hint))
        name = wanted
    elif site.rolling or any(task.release != now.name for task in site.serving()):
        name = now.name
    else:
        name = _before(site, now)
    found = site.releases[site.releases[name].origin]
    _check_folder(site, found)
    return found


def _before(site: Site, now: Release) -> str:
    origins = list(dict.fromkeys(site.releases[name].origin for name in site.live))
    before = origins[: origins.index(now.origin)]
    if not before:
        hint = "gunwale deploy brings a new one"
        raise ConfigurationError(Problem(where=now.name, message="there is no release before it", hint=hint))
    return before[-1]


def _check_folder(site: Site, found: Release) -> None:
    """Refuse a folder that a later release was made of too: it holds that one's files."""
    names = list(site.releases)
    for name in names[names.index(found.name) + 1 :]:
        later = site.releases[name]
        if later.directory == found.directory and later.origin == later.name:
            raise ConfigurationError(
                Problem(
                    where=found.directory,
                    message=f"{found.name} and {name} are this same folder, which holds the newer files",
                    hint="check the old version out and gunwale deploy it; give each release a folder of its "
                    "own (--release) and gunwale rollback can do it",
                )
            )
