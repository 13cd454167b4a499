# ruff: noqa: INP001 - a script beside the pages it writes, no package
"""Write docs/rules/: a page for every rule of gunwale check, from its docstring, and the list of them.

python docs/rules_pages.py            # writes them
python docs/rules_pages.py --check    # exit 1 where a page is not in step
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gunwale.check import rule as rules
from gunwale.check.finding import Topic

if TYPE_CHECKING:
    from gunwale.check.rule import Rule

DOCS = Path(__file__).parent
SCRIPT = "docs/rules_pages.py"
INTRODUCTION = f"""# Rules of gunwale check

<!-- written by {SCRIPT} -->
The names read well in `gunwale: ignore[name] reason`.
A note, and what only follows from a default, is shown with `--strict`; `gunwale explain NAME` shows
a page offline.
"""


def pages() -> dict[str, str]:
    """Return every page by its file's name."""
    found = rules.discover()
    return {f"{name}.md": page(each) for name, each in found.items()} | {"README.md": index(found)}


def page(rule: Rule) -> str:
    """Return the page of one rule."""
    about = rule.about
    return (
        f"# {rule.name}\n\n<!-- written by {SCRIPT} from the rule itself -->\n"
        f"{about.topic}, {about.severity}, {about.confidence}\n\n{rule.page}\n"
    )


def index(found: dict[str, Rule]) -> str:
    """Return the list of the rules, by topic."""
    lines = [INTRODUCTION]
    for topic in Topic:
        here = [each for each in found.values() if each.about.topic is topic]
        if here:
            lines += [f"## {topic}", "", "| rule | | what is wrong |", "|---|---|---|"]
            lines += [f"| [{each.name}]({each.name}.md) | {_level(each)} | {each.summary} |" for each in here]
            lines.append("")
    return "\n".join(lines)


def _level(rule: Rule) -> str:
    return f"{rule.about.severity}, {rule.about.confidence}"


def main() -> None:
    """Write the pages, or say which of them are not in step."""
    folder, wanted = DOCS / "rules", pages()
    folder.mkdir(exist_ok=True)
    there = {path.name: path.read_text() for path in folder.glob("*.md")}
    if "--check" in sys.argv:
        stale = sorted(name for name in there.keys() | wanted.keys() if there.get(name) != wanted.get(name))
        sys.exit(f"not in step: {', '.join(stale)}" if stale else 0)
    for name in there.keys() - wanted.keys():
        (folder / name).unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    main()
