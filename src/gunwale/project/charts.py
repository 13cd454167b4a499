"""Helm's charts: their templates are read as the chart's own values.yaml has them rendered.

Who installs a chart may give other values, so this much is said of every chart that is read.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any, NamedTuple

from gunwale.project.facts import Source, UnreadableError
from gunwale.project.rendering import Rendered, Scope, render
from gunwale.project.roles import Role, role
from gunwale.project.syntax import go_template, yaml
from gunwale.project.syntax.go_functions import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gunwale.project.model import Project

_RELEASE = "release-name"  # as helm template calls it


class Chart(NamedTuple):
    """One chart: what its templates see as *root*, and the templates that they *include* by name."""

    root: Mapping[str, Any]
    named: Mapping[str, tuple[go_template.Part, ...]]


class Charts:
    """The charts of a project by their directory; each is read once."""

    def __init__(self, _project: Project) -> None:
        self.read: dict[str, Chart] = {}


def folder_of(project: Project, path: str) -> str | None:
    """Return the directory of the chart whose template *path* is, or None."""
    parts = path.split("/")
    for at in range(len(parts) - 2, -1, -1):
        folder = "/".join(parts[:at])
        if parts[at] == "templates" and posixpath.join(folder, "Chart.yaml") in project.tree:
            return folder
    return None


def rendered(project: Project, folder: str, source: Source) -> Rendered:
    """Return a template of the chart in *folder* with its values put in."""
    kept = project.derive(Charts).read
    if folder not in kept:
        kept[folder] = _chart(project, folder)
    chart = kept[folder]
    return render(source.path, go_template.parse(source), Scope(chart.root, chart.root, chart.named))


def _chart(project: Project, folder: str) -> Chart:
    about = _values(project, posixpath.join(folder, "Chart.yaml"))
    values = _values(project, posixpath.join(folder, "values.yaml"))
    for path in _of_production(project, folder):
        values = _merged(values, _values(project, path), {})
    root = {
        "Values": values,
        "Chart": {key[:1].upper() + key[1:]: value for key, value in about.items()},
        "Release": {"Name": _RELEASE, "Namespace": "default", "Service": "Helm", "IsInstall": True},
        "Capabilities": UNKNOWN,
        "Files": UNKNOWN,
        "Template": UNKNOWN,
    }
    return Chart(root, _named(project, posixpath.join(folder, "templates")))


def _of_production(project: Project, folder: str) -> list[str]:
    """Return the values of production beside values.yaml, where there is one such file."""
    found = [
        path
        for path in project.tree.under(folder)
        if posixpath.dirname(path) == folder
        and posixpath.basename(path).startswith("values")
        and path.endswith((".yaml", ".yml"))
        and role(path) is Role.PRODUCTION
    ]
    return found if len(found) == 1 else []


def _named(project: Project, folder: str) -> dict[str, tuple[go_template.Part, ...]]:
    found: dict[str, tuple[go_template.Part, ...]] = {}
    for path in project.tree.under(folder):
        source = project.source(path, "probes") if path.endswith((".tpl", ".yaml", ".yml")) else None
        if source is None or "define" not in source.text:
            continue
        try:
            parts = go_template.parse(source)
        except UnreadableError as error:
            project.leave_unchecked("probes", f"{path}:{error.line}: not read: {error.why}")
            continue
        for part in parts:
            if isinstance(part, go_template.Block) and part.kind == "define" and part.words:
                found[part.words[0].strip('"`')] = part.body
    return found


def _values(project: Project, path: str) -> dict[str, Any]:
    """Return the mapping that a file of YAML is; an empty one where it cannot be read."""
    source = project.source(path, "probes") if path in project.tree else None
    if source is None:
        return {}
    try:
        documents = yaml.documents(source)
    except UnreadableError as error:
        project.leave_unchecked("probes", f"{path}: not read: {error.why}")
        return {}
    found = _plain(documents[0], {}) if documents else {}
    return found if isinstance(found, dict) else {}


def _plain(node: yaml.Node, made: dict[int, Any]) -> Any:
    """Return *node* as Python's values; what is aliased is shared, never copied out."""
    if id(node) not in made:
        if node.text is not None:
            made[id(node)] = node.scalar()
        elif node.elements or not node.entries:
            made[id(node)] = [_plain(each, made) for each in node.elements]
        else:
            made[id(node)] = {key: _plain(each, made) for key, each in node.items()}
    return made[id(node)]


def _merged(
    below: dict[str, Any], above: dict[str, Any], made: dict[tuple[int, int], dict[str, Any]]
) -> dict[str, Any]:
    """Return the values of both: as Helm does, tables are merged, and all else is replaced.

    *made*: what was merged already, since what is aliased would be merged again and again.
    """
    key = (id(below), id(above))
    if key in made:
        return made[key]
    found = made[key] = dict(below)
    for name, value in above.items():
        old = found.get(name)
        if isinstance(old, dict) and isinstance(value, dict):
            found[name] = _merged(old, value, made)
        else:
            found[name] = value
    return found
