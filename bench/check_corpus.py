"""Scores gunwale check on labelled deployments: python bench/check_corpus.py LABELS.json SOURCES.

LABELS.json and the verdict codes are as the corpus describes them; SOURCES has one directory a repository.
Neither is part of this repository, so without them there is nothing to do.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from gunwale.check.document import finding
from gunwale.check.run import audit

NEAR = 3  # lines
# A missing thing is located by its file.
ABSENCES = {"root", "access-log", "cookie-secure", "trusted-hosts", "healthcheck", "dockerignore", "probes"}
LOCATION = re.compile(r"(.*?)(?::([\d,\-]+))?")


def main() -> None:
    given = [word for word in sys.argv[1:] if not word.startswith("--")]
    if len(given) != 2:
        print("check_corpus: give LABELS.json and SOURCES; nothing scored")
        return
    labels, sources = json.loads(Path(given[0]).read_text()), Path(given[1])
    counts: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for unit in labels["units"]:
        root = sources / unit["dir"] / unit["unit"]
        if not root.is_dir():
            print(f"{unit['dir']}/{unit['unit']}: not there, not scored")
            continue
        prefix = "" if unit["unit"] == "." else f"{unit['unit']}/"
        _score(unit, prefix, [finding(each) for each in audit(root).findings], counts, wrong)
    _print(counts, wrong)


def _score(
    unit: dict[str, Any], prefix: str, found: list[dict[str, Any]], counts: Counter[str], wrong: Counter[str]
) -> None:
    name = f"{unit['dir']}/{unit['unit']}"
    for topic, label in unit["labels"].items():
        reported = [each for each in found if each["topic"] == topic]
        code = label["code"]
        places = [f"{prefix}{each['path']}:{each['line']}" for each in reported]
        if code == "T":
            counts["wanted"] += 1
            if not reported:
                wrong[f"missed {topic}"] += 1
                print(f"{name}: missed {topic} at {label['locations']}: {label['note'][:90]}")
                continue
            counts["hit"] += 1
            if any(_is_located(topic, prefix, each, label["locations"]) for each in reported):
                counts["located"] += 1
            else:
                print(f"{name}: {topic} located at {places}, wanted {label['locations']}")
        elif code in ("F", "N") and reported:
            counts["false"] += 1
            wrong[f"false {topic}"] += 1
            rules = sorted({each["rule"] for each in reported})
            print(f"{name}: false {topic} ({code}) by {rules} at {places}: {label['note'][:90]}")


def _is_located(topic: str, prefix: str, found: dict[str, Any], wanted: list[str]) -> bool:
    spots = [(f"{prefix}{each['path']}", each["line"]) for each in (found, *found["related"])]
    for each in wanted:
        match = LOCATION.fullmatch(each)
        assert match is not None
        path = match[1]
        for part in (match[2] or "").split(","):
            first, _, last = part.partition("-")
            low, high = int(first or 0), int(last or first or 10**9)
            for where, line in spots:
                is_near = low - NEAR <= line <= high + NEAR
                if where == path and (is_near or topic in ABSENCES):
                    return True
    return not wanted


def _print(counts: Counter[str], wrong: Counter[str]) -> None:
    reported = counts["hit"] + counts["false"]
    print(f"precision {counts['hit']}/{reported} = {counts['hit'] / max(reported, 1):.2f}")
    print(f"recall    {counts['hit']}/{counts['wanted']} = {counts['hit'] / max(counts['wanted'], 1):.2f}")
    print(f"location  {counts['located']}/{counts['hit']} = {counts['located'] / max(counts['hit'], 1):.2f}")
    print("by topic:", ", ".join(f"{name} {count}" for name, count in sorted(wrong.items())))


if __name__ == "__main__":
    main()
