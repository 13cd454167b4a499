# ruff: noqa: INP001 - a script beside the page it writes, no package
"""Write the tables of docs/proxies.md and docs/which-counts.md from the known layers.

python docs/proxies_table.py            # between each page's two marks
python docs/proxies_table.py --check    # exit 1 where a page is not in step
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gunwale.plan import chain, trust
from gunwale.plan.layers import CLOUDS, FIELDS, LETTERS, SELF_HOSTED
from gunwale.units import show_seconds, show_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from gunwale.plan.layers import Layer

DOCS = Path(__file__).parent
BEGIN, END = "<!-- begin: docs/proxies_table.py -->\n", "<!-- end: docs/proxies_table.py -->\n"
# The chains that people ask about most (facts: the stacks that vendors' guides and issues show).
COMMON = (
    ("cloudflare", "nginx-overwrite"),
    ("cloudflare", "caddy"),
    ("cloudflare", "caddy-trusted"),
    ("cloudflare", "alb"),
    ("cloudflare", "traefik-trusted"),
    ("cloudfront", "alb"),
    ("cloudfront", "alb", "nginx-proxy-add"),
    ("alb", "nginx-proxy-add"),
    ("alb", "beanstalk"),
    ("alb", "caddy-trusted"),
    ("api-gateway-http", "alb"),
    ("nlb", "nginx-overwrite"),
    ("nlb-proxy-protocol", "ingress-nginx"),
    ("google-lb", "ingress-nginx"),
    ("google-lb", "ingress-nginx-full"),
    ("azure-front-door", "azure-app-service"),
    ("haproxy-set-proto", "caddy-trusted"),
    ("haproxy-set-proto", "nginx-proxy-add"),
    ("nginx-overwrite", "nginx-real-ip"),
)
_LETTER = {operation: letter for letter, operation in LETTERS.items()}
_TITLES = {"Proxies of your own": SELF_HOSTED, "Clouds and CDNs": CLOUDS}
_SHORT = {"port": "port", "prefix": "prefix", "real_ip": "X-Real-IP", "request_id": "X-Request-ID"}


def layers() -> str:
    """Return what docs/proxies.md has between its marks: what each layer does, and who says so."""
    parts = []
    for title, known in _TITLES.items():
        names = [_SHORT.get(field, field) for field in FIELDS]
        heads = ("layer", *names, "Host", "waits", "keeps idle", "largest body", "buffers", "`X_…` passes")
        does = _table(heads, (_does(each) for each in known))
        sources = "".join(f"- `{each.name}`: {each.source}\n" for each in known)
        parts += [f"### {title}\n", does]
        parts += [f"#### Sources: {title.lower()}\n", f"Read or run on {known[0].verified}.\n\n{sources}"]
    return "\n" + "\n".join(parts) + "\n"


def counts() -> str:
    """Return what docs/which-counts.md has between its marks: the counts of layers and of common chains."""
    heads = [f"x_{name}" for name in chain.COUNTED]
    parts = []
    for title, known in _TITLES.items():
        rows = ((*_counted([each]), str(each.certainty), _known(each)) for each in known)
        parts += [f"### {title}\n", _table(("layer", *heads, "how known", "to know"), rows)]
    told = ((*_counted(chain.layers(names)), _told(chain.layers(names))) for names in COMMON)
    parts += ["### Common chains\n", _table(("chain", *heads, "what the plan says of it"), told)]
    return "\n" + "\n".join(parts) + "\n"


def _counted(known: Sequence[Layer]) -> tuple[str, ...]:
    found = chain.hops(known) or {}
    numbers = []
    for name in chain.COUNTED:
        is_open = any(layer.operation(name) == "unknown" for layer in known)
        numbers.append("measure" if is_open else str(found[f"x_{name}"]))
    return " → ".join(f"`{layer.name}`" for layer in known), *numbers


def _known(layer: Layer) -> str:
    forwarded = ""
    if (chain.hops([layer]) or {}).get(chain.FORWARDED):
        forwarded = "Forwarded is read instead (forwarded=1), which ProxyFix cannot"
    return "; ".join(filter(None, (layer.setting, forwarded, layer.disputed, layer.note)))


def _told(known: Sequence[Layer]) -> str:
    forwarded = (chain.hops(known) or {}).get(chain.FORWARDED, 0)
    read = [f"forwarded={forwarded}: Forwarded is read instead"] * bool(forwarded)
    return "; ".join([*read, *(doubt.message for doubt in trust.doubts(known))])


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


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


PAGES: Mapping[Path, Callable[[], str]] = {
    DOCS / "proxies.md": layers,
    DOCS / "which-counts.md": counts,
}


def page(path: Path) -> str:
    """Return the page at *path* as it should be."""
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{PAGES[path]()}{END}{after}"


def main() -> None:
    """Write the pages, or check them."""
    if "--check" in sys.argv[1:]:
        sys.exit(any(page(path) != path.read_text(encoding="utf-8") for path in PAGES))
    for path in PAGES:
        path.write_text(page(path), encoding="utf-8")


if __name__ == "__main__":
    main()
