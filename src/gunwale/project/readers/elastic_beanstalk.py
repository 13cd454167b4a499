"""Elastic Beanstalk's .ebextensions: the environment that its option_settings give."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gunwale.project.facts import Given
from gunwale.project.syntax import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gunwale.project.facts import Place, Source

TOPIC = "start"
_NAME = re.compile(r"(?:.*/)?\.ebextensions/[^/]+\.(?:config|ya?ml)")
_ENVIRONMENT = "aws:elasticbeanstalk:application:environment"


@dataclass(frozen=True, slots=True, eq=False)
class Options:
    """One file: the environment it gives, and whether nothing in it is of another language than Python."""

    path: str
    at: Place
    environ: Mapping[str, Given[str]]
    is_python: bool


def is_one(path: str) -> bool:
    """Tell by the directory."""
    return _NAME.fullmatch(path) is not None


def read(source: Source) -> Options | None:
    """Read one file."""
    documents = yaml.documents(source)
    node = documents[0] if documents else None
    if node is None:
        return None
    settings = node.get("option_settings")
    environ = dict(_environ(settings)) if settings is not None else {}
    namespaces = re.findall(r"aws:elasticbeanstalk:container:(\w+)", source.text)
    return Options(source.path, node.at, environ, all(name == "python" for name in namespaces))


def _environ(settings: yaml.Node) -> Iterator[tuple[str, Given[str]]]:
    """Yield the variables, of both ways to write them."""
    table = settings.get(_ENVIRONMENT)
    for name, node in table.items() if table is not None else ():
        if node.text is not None:
            yield name, Given(node.text, node.at)
    for each in settings.elements:
        space, key, value = each.get("namespace"), each.get("option_name"), each.get("value")
        is_variable = space is None or space.text == _ENVIRONMENT
        if is_variable and key is not None and key.text and value is not None and value.text is not None:
            yield key.text, Given(value.text, value.at)
