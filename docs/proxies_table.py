# ruff: noqa: INP001 - a script beside the page it writes, no package
"""Write the tables of docs/proxies.md from the known layers.

python docs/proxies_table.py            # between the page's two marks
python docs/proxies_table.py --check    # exit 1 where the page is not in step
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gunwale.plan import chain
from gunwale.plan.layers import CLOUDS, FIELDS, LETTERS, SELF_HOSTED
from gunwale.units import show_seconds, show_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from gunwale.plan.layers import Layer

PAGE = Path(__file__).with_name("proxies.md")
BEGIN, END = "<!-- begin: docs/proxies_table.py -->\n", "<!-- end: docs/proxies_table.py -->\n"
_LETTER = {operation: letter for letter, operation in LETTERS.items()}
_SHORT = {"port": "port", "prefix": "prefix", "real_ip": "X-Real-IP", "request_id": "X-Request-ID"}


def tables() -> str:
    """Return everything between the marks."""
    parts = []
    for title, layers in (("Proxies of your own", SELF_HOSTED), ("Clouds and CDNs", CLOUDS)):
        counts = _table(
            ("layer", "set as", "counts alone", "known", "to know"), (_counts(each) for each in layers)
        )
        names = [_SHORT.get(field, field) for field in FIELDS]
        heads = ("layer", *names, "Host", "waits", "keeps idle", "largest body", "buffers", "`X_…` passes")
        does = _table(heads, (_does(each) for each in layers))
        sources = "".join(f"- `{each.name}`: {each.source}\n" for each in layers)
        parts += [f"### {title}\n", counts, f"#### What they do: {title.lower()}\n", does]
        parts += [f"#### Sources: {title.lower()}\n", f"Read or run on {layers[0].verified}.\n\n{sources}"]
    return "\n" + "\n".join(parts) + "\n"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _counts(layer: Layer) -> tuple[str, ...]:
    found = chain.hops([layer]) or {}
    unknown = [name for name in chain.COUNTED if layer.operation(name) == "unknown"]
    told = ", ".join(f"{key}={number}" for key, number in found.items() if number) or "none"
    if unknown:
        told += f"; measure {', '.join(f'x_{name}' for name in unknown)}"
    notes = "; ".join(filter(None, (layer.disputed, layer.note)))
    return f"`{layer.name}`", layer.setting, told, str(layer.certainty), notes


def _does(layer: Layer) -> tuple[str, ...]:
    passes = {None: "", True: "no", False: "**yes**"}[layer.drops_underscores]
    return (
        f"`{layer.name}`",
        *(_LETTER[layer.operation(field)] for field in FIELDS),
        "kept" if layer.keeps_host else "replaced",
        *_numbers(layer),
        {None: "", True: "yes", False: "no"}[layer.buffers],
        passes,
    )


def _numbers(layer: Layer) -> Iterator[str]:
    for seconds in (layer.response_timeout, layer.idle_timeout):
        yield "" if seconds is None else show_seconds(seconds)
    yield "" if layer.max_body is None else show_size(layer.max_body)


def page() -> str:
    """Return the page as it should be."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{tables()}{END}{after}"


def main() -> None:
    """Write the page, or check it."""
    if "--check" in sys.argv[1:]:
        sys.exit(page() != PAGE.read_text(encoding="utf-8"))
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
