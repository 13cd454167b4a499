"""What is asked in a rehearsal: the user's mix, or the first page; some of it slowly for a fault."""

from __future__ import annotations

from dataclasses import replace

from gunwale.measure.load import Ask
from gunwale.measure.load_mix import EXPECTED, Mix

FIRST_PAGE = Mix(asks=(Ask(path="/", expect=EXPECTED),), source="the first page")
# Long enough that every roll-out begins or ends around some of them, and short enough to end.
_SLOW_BODY = 24_000
_SLOW_PACE = 6_000  # bytes a second
_SLOW_SHARE = 0.05  # each: of those who read slowly, and of those who send slowly


def with_slow(mix: Mix) -> Mix:
    """Return the mix with slow readers and slow senders among it, a twentieth each."""
    reads = next((ask for ask in mix.asks if ask.method == "GET" and not ask.is_paced), FIRST_PAGE.asks[0])
    total = sum(ask.weight for ask in mix.asks)
    scale = max(1, round(1 / total / _SLOW_SHARE))
    scaled = tuple(replace(ask, weight=ask.weight * scale) for ask in mix.asks)
    weight = max(1, round(total * scale * _SLOW_SHARE / (1 - 2 * _SLOW_SHARE)))
    reader = replace(reads, weight=weight, read_pace=_SLOW_PACE)
    # What an application makes of a body it did not ask for is its own business; a failure is none of that.
    sender = replace(
        reads,
        method="PUT",
        weight=weight,
        size=_SLOW_BODY,
        send_pace=_SLOW_PACE,
        expect=("2xx", "3xx", "4xx"),
    )
    return replace(mix, asks=(*scaled, reader, sender))
