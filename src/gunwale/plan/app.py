"""Finding the application by reading the source: no name is guessed, nothing is imported."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_FILES = ("app.py", "wsgi.py", "main.py", "application.py")
_OPTION = 'write app = "module:variable" under [tool.gunwale], or give it: gunwale serve module:variable'
_DOTTED = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
_MAX_BYTES = 2**20
_MOST_HOPS = 3  # from import to import, to where a factory is defined


class Found(NamedTuple):
    """The application, or None; *why* tells where it was found or what stood in the way."""

    app: str | None
    why: str
    hint: str = ""
    is_there: bool = False
    """Whether there is one, though not which."""


class _Candidate(NamedTuple):
    app: str
    path: str
    line: int
    set_up_by: str = ""

    def __str__(self) -> str:
        return f"{self.app} ({self.path}:{self.line})"


def find(directory: Path) -> Found:
    """Find the one Flask application, or the one factory of one, in the usual places of *directory*."""
    modules = list(_modules(directory))
    candidates = [each for path, module in modules for each in _in_file(directory, path, module)]
    found = _only(candidates, "app.py, wsgi.py, main.py, application.py or a top-level package")
    if candidates:
        return found
    near = "; ".join(
        text for path, _ in modules if (text := _near(path, path.relative_to(directory).as_posix()))
    )
    return found._replace(why=near) if near else found


def _near(path: Path, shown: str) -> str:
    """Tell what in a file stands in the way of an application: its syntax, or what a factory asks for."""
    try:
        tree = ast.parse(path.read_bytes()[:_MAX_BYTES])
    except SyntaxError as error:
        return f"{shown}:{error.lineno}: is not Python: {error.msg}"
    except (OSError, ValueError, RecursionError):
        return ""
    names = _flask_names(tree)
    makers = [
        f"{shown}:{node.lineno}: {node.name}({ast.unparse(node.args)}) needs arguments that nobody gives"
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and not _needs_nothing(node) and _returns_flask(node, names)
    ]
    return "; ".join(makers)


def _only(candidates: Sequence[_Candidate], places: str) -> Found:
    # An object that is made at import is the application; a factory beside it is how it was made.
    objects = [each for each in candidates if not each.app.endswith(")")]
    wanted = objects or candidates
    if len(wanted) == 1 and wanted[0].set_up_by:
        why = f"{wanted[0]} is made at import, and {wanted[0].set_up_by}() sets it up: which of them is it?"
        return Found(None, why, f"name one: {_OPTION}", is_there=True)
    if len(wanted) == 1:
        return Found(wanted[0].app, f"found in {wanted[0].path}:{wanted[0].line}")
    if not wanted:
        return Found(None, f"no Flask application was found in {places}", _OPTION)
    listed = ", ".join(str(each) for each in wanted)
    return Found(None, f"several applications: {listed}", f"name one: {_OPTION}", is_there=True)


def _modules(directory: Path) -> Iterator[tuple[Path, str]]:
    for root in (directory, directory / "src"):
        for name in _FILES:
            if (root / name).is_file():
                yield root / name, name.removesuffix(".py")
        try:
            entries = sorted(root.iterdir())
        except OSError:
            continue
        for entry in entries:
            is_tests = entry.name in ("tests", "test")
            if entry.name.isidentifier() and not is_tests and (entry / "__init__.py").is_file():
                yield entry / "__init__.py", entry.name
                if (entry / "wsgi.py").is_file():
                    yield entry / "wsgi.py", f"{entry.name}.wsgi"


def _in_file(directory: Path, path: Path, module: str) -> list[_Candidate]:
    tree = _parsed(path)
    if tree is None:
        return []
    shown = path.relative_to(directory).as_posix() if path.is_relative_to(directory) else str(path)
    names = _flask_names(tree)
    factories = _factories(tree, names)
    makers = factories.keys() | _imported_factories(directory, tree)
    found = [
        _Candidate(f"{module}:{name}", shown, node.lineno, _set_up_by(tree, name))
        for node in _top_level(tree.body)
        for name in _assigned(node)
        if _is_flask(node.value, names) or _calls(node.value) in makers
    ]
    return found + [_Candidate(f"{module}:{name}()", shown, line) for name, line in factories.items()]


def _parsed(path: Path) -> ast.Module | None:
    try:
        return ast.parse(path.read_bytes()[:_MAX_BYTES])
    except (OSError, SyntaxError, ValueError, RecursionError):
        return None


def _factories(tree: ast.Module, names: set[str]) -> dict[str, int]:
    """Return the functions that need nothing and return a Flask object, with their lines."""
    return {
        node.name: node.lineno
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and _needs_nothing(node) and _returns_flask(node, names)
    }


def _imported_factories(directory: Path, tree: ast.Module) -> set[str]:
    """Return the names under which *tree* imports the project's own factories by their full names."""
    return {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module and not node.level
        for alias in node.names
        if _is_factory(directory, node.module, alias.name)
    }


def _set_up_by(tree: ast.Module, name: str) -> str:
    """Return the function that does something to its module's object *name* and returns it; "": none does."""
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef) or isinstance(node.body[0], ast.Return):
            continue
        is_its_own = any(
            name in _assigned(each) for each in ast.walk(node) if isinstance(each, ast.Assign | ast.AnnAssign)
        )
        returns = [each.value for each in ast.walk(node) if isinstance(each, ast.Return)]
        if not is_its_own and any(isinstance(each, ast.Name) and each.id == name for each in returns):
            return node.name
    return ""


def _top_level(body: Sequence[ast.stmt]) -> Iterator[ast.Assign | ast.AnnAssign]:
    for node in body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            yield node
        elif isinstance(node, ast.If | ast.Try | ast.With) and not _is_main_guard(node):
            yield from _top_level(node.body)


def _is_main_guard(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)


def _assigned(node: ast.Assign | ast.AnnAssign) -> list[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _flask_names(tree: ast.Module) -> set[str]:
    """Return the names under which *tree* calls Flask, and its subclasses of it."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in ("flask", "flask.app"):
            names |= {alias.asname or alias.name for alias in node.names if alias.name == "Flask"}
        elif isinstance(node, ast.Import):
            names |= {f"{alias.asname or alias.name}.Flask" for alias in node.names if alias.name == "flask"}
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base) in names for base in node.bases):
            names.add(node.name)
    return names


def _is_flask(value: ast.expr | None, names: set[str]) -> bool:
    return isinstance(value, ast.Call) and ast.unparse(value.func) in names


def _calls(value: ast.expr | None) -> str:
    return value.func.id if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) else ""


def _needs_nothing(node: ast.FunctionDef) -> bool:
    given = node.args
    positional = len(given.posonlyargs) + len(given.args) - len(given.defaults)
    return positional == 0 and all(default is not None for default in given.kw_defaults)


def _returns_flask(node: ast.FunctionDef, names: set[str]) -> bool:
    built = {
        name
        for each in ast.walk(node)
        if isinstance(each, ast.Assign | ast.AnnAssign) and _is_flask(each.value, names)
        for name in _assigned(each)
    }
    returns = [each.value for each in ast.walk(node) if isinstance(each, ast.Return)]
    return any(
        _is_flask(value, names) or (isinstance(value, ast.Name) and value.id in built) for value in returns
    )


def from_flask_app(directory: Path, given: str) -> Found:
    """Translate FLASK_APP: "hello", "hello:app2", "hello:create_app('dev')", "hello.py", "path/hello.py"."""
    module, colon, name = given.strip().partition(":")
    module = module.strip().removesuffix(".py")
    dotted = re.sub(r"[/\\]+", ".", module.removeprefix("./"))
    if not re.fullmatch(_DOTTED, dotted):
        return Found(None, f"not a module or file of this project: {given!r}", _OPTION)
    if colon:
        name = name.strip()
        if re.fullmatch(_DOTTED, name) and _is_factory(directory, dotted, name):
            name = f"{name}()"
        return Found(f"{dotted}:{name}", f"FLASK_APP={given}")
    path = _file_of(directory, dotted)
    if path is None:
        return Found(None, f"no file of the module {dotted!r}", _OPTION)
    found = _only(_in_file(directory, path, dotted), path.name)
    return found._replace(why=f"FLASK_APP={given}, {found.why}") if found.app else found


def has_module(directory: Path, app: str) -> bool:
    """Whether the module of *app* is a file of the project, as an interpreter started there would find it."""
    return _file_of(directory, app.partition(":")[0]) is not None


def is_under_src(directory: Path, app: str | None) -> bool:
    """Whether the module of *app* lies under src/, which the interpreter has to be told of."""
    path = _file_of(directory, app.partition(":")[0]) if app else None
    return path is not None and path.is_relative_to(directory / "src")


def _file_of(directory: Path, dotted: str) -> Path | None:
    for root in (directory, directory / "src"):
        base = root.joinpath(*dotted.split("."))
        for path in (base.with_suffix(".py"), base / "__init__.py"):
            if path.is_file():
                return path
    return None


def _is_factory(directory: Path, dotted: str, name: str, hops: int = _MOST_HOPS) -> bool:
    """Whether *name* of a module is a factory, its own or one that it imports from another, and so on."""
    path = _file_of(directory, dotted)
    tree = _parsed(path) if path else None
    if tree is None:
        return False
    if name in _factories(tree, _flask_names(tree)):
        return True
    return hops > 0 and any(
        _is_factory(directory, node.module, alias.name, hops - 1)
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module and not node.level
        for alias in node.names
        if (alias.asname or alias.name) == name
    )
