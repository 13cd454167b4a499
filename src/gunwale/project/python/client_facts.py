"""What the application believes of its client: ProxyFix, and where address, scheme and host are used."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from gunwale.project.facts import Given, Unknown
from gunwale.project.python.values import value
from gunwale.project.readers.python import PythonFile, children
from gunwale.project.roles import Role, role
from gunwale.project.versions import requirements

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gunwale.project.facts import Place
    from gunwale.project.model import Project
    from gunwale.project.readers.python import Call

COUNTED = ("for", "proto", "host", "port", "prefix")
_PROXY_FIX = re.compile(r"werkzeug\.(?:middleware\.proxy_fix|contrib\.fixers)\.ProxyFix")
# Other people's ways to the same end; what a project writes itself is found by the fields it reads.
_OTHERS = re.compile(
    r".*\.(?:ReverseProxied|ReverseProxyPrefixFix|ProxyHeadersMiddleware|ProxyMiddleware|SaferProxyFix|"
    r"CloudflareProxyFix|Gunwale|wrap_wsgi_with_proxy_headers)|gunwale\.Gunwale"
)
_ASKED = frozenset(
    [
        *("remote_addr", "access_route", "is_secure", "scheme", "host"),
        *("url", "base_url", "url_root", "root_url", "host_url"),
    ]
)
_ASKING = re.compile(rf"\.\s*(?:{'|'.join(sorted(_ASKED))})\b")
_REQUEST = re.compile(rf"flask\.(?:globals\.)?request\.({'|'.join(sorted(_ASKED))})")
_LIBRARIES = {
    "flask_limiter.util.get_remote_address": "the client's address",
    "flask_limiter.get_remote_address": "the client's address",
    "flask_talisman.Talisman": "the scheme",
    "flask_sslify.SSLify": "the scheme",
}
# Libraries whose redirects carry an absolute address of this site.
_SIGN_IN = re.compile(
    r"(?:flask_dance\.(?:contrib|consumer)\b|authlib\.integrations\.flask_client\.|flask_oidc\.)"
)
_TEMPLATE = re.compile(
    r"_external\s*=\s*True|request\.(?:url|base_url|url_root|root_url|host_url|remote_addr)\b"
)
_MOST_TEMPLATES = 2000
_RAW = re.compile(
    r"(?:HTTP_)?(X[-_]FORWARDED[-_](?:FOR|PROTO|HOST|PORT|PREFIX|SSL|SCHEME)|FORWARDED|X[-_]REAL[-_]IP|"
    r"TRUE[-_]CLIENT[-_]IP|FASTLY[-_]CLIENT[-_]IP|X[-_]CLIENT[-_]IP|X[-_]CLUSTER[-_]CLIENT[-_]IP)",
    re.IGNORECASE,
)
# One of them is in each of those names.
_RAW_WORDS = ("access_route", "forwarded", "real-ip", "real_ip", "client-ip", "client_ip")


@dataclass(frozen=True, slots=True, eq=False)
class ProxyFix:
    """One ProxyFix: its *counts* by the plan's names, and whether only some condition brings it."""

    call: Call
    file: PythonFile
    at: Place
    counts: Mapping[str, Given[int] | Unknown]
    is_conditional: bool

    def hops(self, name: str) -> int | None:
        """Return the count of the field of the plan's *name*; None where it is not known."""
        found = self.counts[name]
        return found.value if isinstance(found, Given) else None


class Use(NamedTuple):
    """One place that asks for something of the client: *fact* in words."""

    at: Place
    fact: str


class RawRead(NamedTuple):
    """One read of a forwarded field by the application itself; *is_leftmost*: it takes the first value."""

    at: Place
    field: str
    is_leftmost: bool


def _production(project: Project) -> Iterator[PythonFile]:
    for file in project.of(PythonFile):
        if role(file.path) is not Role.DEVELOPMENT:
            yield file


def proxy_fixes(project: Project) -> tuple[ProxyFix, ...]:
    """Return every ProxyFix of production code, by place."""
    return tuple(
        ProxyFix(
            call,
            file,
            call.at,
            {name: _count(project, file, call, name, position) for position, name in enumerate(COUNTED, 1)},
            bool(call.tests) or call.is_main,
        )
        for file in _production(project)
        for call in file.calls
        if _PROXY_FIX.fullmatch(call.name)
    )


def _count(project: Project, file: PythonFile, call: Call, name: str, position: int) -> Given[int] | Unknown:
    if any(each.arg is None for each in call.node.keywords) or any(
        isinstance(each, ast.Starred) for each in call.node.args
    ):
        return Unknown("its arguments come from elsewhere")
    node = call.argument(f"x_{name}", position)
    if node is None and name == "for":
        node = call.argument("num_proxies")
    if node is None:
        return Given(_default(project, name), call.at)
    found = value(project, file, node)
    if isinstance(found, Given) and isinstance(found.value, int) and not found.variables:
        return Given(int(found.value), file.at(node))
    return Unknown(f"x_{name} depends on the environment")


def _default(project: Project, name: str) -> int:
    """Werkzeug before 1.0 trusted X-Forwarded-For alone by default."""
    is_old = any(not each.may_be(1, 0) for each in requirements(project, "werkzeug"))
    return int(name == "for" or (name == "proto" and not is_old))


def corrections(project: Project) -> tuple[Place, ...]:
    """Return where anything but ProxyFix puts the client's facts right: a middleware, of a library or own."""
    found = []
    for file in _production(project):
        found += [call.at for call in file.calls if _OTHERS.fullmatch(call.name)]
        for name, node in file.functions.items():
            if name.endswith(".__call__") and any(
                isinstance(each, ast.Constant) and isinstance(each.value, str) and _RAW.fullmatch(each.value)
                for each in ast.walk(node)
            ):
                found.append(file.at(node))
    return tuple(found)


def uses(project: Project) -> tuple[Use, ...]:
    """Return where production code or its templates use what a proxy changes."""
    found: list[Use] = []
    for file in _production(project):
        text = file.source.text
        is_asking = "request" in text and _ASKING.search(text) is not None
        found += [
            Use(file.at(node), f"request.{match[1]}")
            for node in (file.nodes if is_asking else ())
            if isinstance(node, ast.Attribute)
            and node.attr in _ASKED
            and (match := _REQUEST.fullmatch(file.name(node)))
        ]
        for call in file.calls:
            external = call.argument("_external") if call.name.endswith("url_for") else None
            if isinstance(external, ast.Constant) and external.value is True:
                found.append(Use(call.at, "url_for(_external=True)"))
            elif call.name in _LIBRARIES:
                found.append(Use(call.at, f"{call.name.rpartition('.')[2]}: {_LIBRARIES[call.name]}"))
            elif (handed := _handed_on(file, call)) is not None:
                found.append(handed)
            elif _SIGN_IN.match(call.name):
                found.append(Use(call.at, "the address that a sign-in returns to"))
    return (*found, *_in_templates(project))


def _handed_on(file: PythonFile, call: Call) -> Use | None:
    """Return the use of a library's function that is handed to a call: ``Limiter(key_func=…)``."""
    if not call.name.startswith("flask_limiter."):
        return None
    for node in (*call.node.args, *(each.value for each in call.node.keywords)):
        name = file.name(node)
        if name in _LIBRARIES:
            return Use(file.at(node), f"{name.rpartition('.')[2]}: {_LIBRARIES[name]}")
    return None


def _in_templates(project: Project) -> Iterator[Use]:
    paths = [
        path
        for path in project.tree.files
        if path.endswith((".html", ".txt", ".jinja2", ".j2", ".htm", ".xml"))
        and "templates" in path.split("/")
    ]
    for path in paths[:_MOST_TEMPLATES]:
        source = project.source(path)
        match = _TEMPLATE.search(source.text) if source else None
        if source is not None and match is not None:
            line = source.text.count("\n", 0, match.start()) + 1
            yield Use(source.at(line), match[0].replace(" ", ""))


def raw_reads(project: Project) -> tuple[RawRead, ...]:
    """Return where production code reads a forwarded field by itself."""
    return tuple(found for file in _production(project) for found in _raw_in(file))


def _raw_in(file: PythonFile) -> Iterator[RawRead]:
    text = file.source.text.lower()
    if not any(word in text for word in _RAW_WORDS):
        return
    parents = {child: node for node in file.nodes for child in children(node)}
    for node in file.nodes:
        if isinstance(node, ast.Attribute) and file.name(node).endswith("request.access_route"):
            parent = parents.get(node)
            if isinstance(parent, ast.Subscript) and _is_first(parent):
                yield RawRead(file.at(node), "X-Forwarded-For", is_leftmost=True)
        name = _asked(file, node)
        match = _RAW.fullmatch(name) if name else None
        if match is not None:
            field = _title(match[1])
            yield RawRead(file.at(node), field, _takes_first(node, parents))


def _asked(file: PythonFile, node: ast.AST) -> str:
    """Return the name that *node* asks of request.headers or environ."""
    if isinstance(node, ast.Subscript):
        owner, key = node.value, node.slice
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
        if node.func.attr not in ("get", "getlist", "get_all"):
            return ""
        owner, key = node.func.value, node.args[0]
    else:
        return ""
    is_request = file.name(owner).endswith(("request.headers", "request.environ", "environ"))
    if not is_request or file.name(owner) == "os.environ":
        return ""
    return key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else ""


def _takes_first(node: ast.AST, parents: Mapping[ast.AST, ast.AST]) -> bool:
    """Whether what is made of *node* in its expression ends in its first part."""
    for _ in range(8):
        parent = parents.get(node)
        if not isinstance(parent, ast.expr):
            return False
        if isinstance(parent, ast.Subscript) and parent.value is node:
            return _is_first(parent)
        if (
            isinstance(parent, ast.Call)
            and node in parent.args
            and not isinstance(parent.func, ast.Attribute)
        ):
            return False
        node = parent
    return False


def _is_first(node: ast.Subscript) -> bool:
    return isinstance(node.slice, ast.Constant) and node.slice.value == 0


def _title(name: str) -> str:
    parts = re.split(r"[-_]", name.lower())
    return "-".join("IP" if part == "ip" else part.title() for part in parts)
