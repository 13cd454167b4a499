"""Where a load's mix comes from: a file of requests, an access log, or the application's own routes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gunwale.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gunwale.measure.load_profile import Ask
    from gunwale.measure.posts import Stored

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})  # RFC 9110 §9.2.1, and TRACE, which nobody asks
# What a client takes for an answer; who asks for what is not there says so.
EXPECTED = ("2xx", "3xx")
ROUTES = "routes"
MOST_ASKS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """Requests, the *source* they are from, and *notes* for the user: what was left out, and why.

    *stored* tells how to learn what the application stored of the POSTs, where the file says so.
    """

    asks: tuple[Ask, ...]
    source: str
    notes: tuple[str, ...] = ()
    stored: Stored | None = None

    def without(self, left_out: Iterable[Ask], note: str) -> Mix:
        """Return it without some, and with a *note* of that."""
        gone = set(map(id, left_out))
        kept = tuple(ask for ask in self.asks if id(ask) not in gone)
        return replace(self, asks=kept, notes=(*self.notes, note))


def read_mix(
    source: str,
    *,
    app: str,
    directory: Path,
    env: Mapping[str, str] | None = None,
    is_unsafe_too: bool = False,
) -> Mix:
    """Read the mix that *source* names: "routes", a .toml or .json file, or else an access log.

    Of a log, requests whose method is not safe are left out, unless *is_unsafe_too*; a file of requests was
    written by somebody who meant them. Raises ConfigurationError, and StartError for an application that
    does not import.
    """
    from gunwale.measure import load_inside, load_mix_file, load_mix_log

    if source == ROUTES:
        mix = load_inside.routes(app, directory=directory, env=env)
    elif Path(source).suffix in {".toml", ".json"}:
        mix = load_mix_file.read(directory / source)
    else:
        mix = load_mix_log.read(directory / source, is_unsafe_too=is_unsafe_too)
    if not mix.asks:
        told = "; ".join(mix.notes)
        raise ConfigurationError(
            Problem(
                where=source,
                message="holds no request that can be sent",
                hint=told or 'a file of requests has [[request]] with a path: path = "/"',
            )
        )
    return mix
