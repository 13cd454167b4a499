"""What a setting comes to that is made of other settings, where nobody overrides those."""

from __future__ import annotations

import ast
import copy
from typing import TYPE_CHECKING

from gunwale.project.facts import Given
from gunwale.project.python.configuration import named
from gunwale.project.python.values import value

if TYPE_CHECKING:
    from gunwale.project.facts import Unknown
    from gunwale.project.model import Project
    from gunwale.project.python.configuration import Setting


def by_defaults(project: Project, setting: Setting) -> Given[object] | Unknown:
    """Return what *setting* comes to by the defaults of those it is made of; they may be overridden."""
    put_in = _PutIn(project).visit(copy.deepcopy(setting.node))
    if ast.dump(put_in) == ast.dump(setting.node):
        return setting.value
    found = value(project, setting.file, ast.fix_missing_locations(put_in))
    return Given(found.value, setting.at, ("the configuration",)) if isinstance(found, Given) else found


class _PutIn(ast.NodeTransformer):
    """Puts in what the configuration says by default, for ``app.config["NAME"]``."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        owner = node.value
        is_config = isinstance(owner, ast.Attribute) and owner.attr == "config"
        if is_config and isinstance(node.slice, ast.Constant):
            found = {
                each.value.value
                for each in named(self.project, str(node.slice.value))
                if isinstance(each.value, Given) and isinstance(each.value.value, str | int)
            }
            if len(found) == 1:
                return ast.copy_location(ast.Constant(found.pop()), node)
        return node
