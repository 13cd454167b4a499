"""What stands in front of the application: the chains of proxies that lead to a start, and its own doors."""

from __future__ import annotations

import importlib
import pkgutil
import posixpath
from typing import TYPE_CHECKING, NamedTuple

from gunwale.plan import chain
from gunwale.project import proxies
from gunwale.project.cluster import services_of
from gunwale.project.containers import Pod
from gunwale.project.facts import Given
from gunwale.project.passage import Passage, Target, target
from gunwale.project.python.applications import Application, applications
from gunwale.project.python.modules import find
from gunwale.project.services import names
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from gunwale.plan.layers import Layer
    from gunwale.project.model import Project
    from gunwale.project.readers.compose import Port, Service
    from gunwale.project.start import Server, Start

EVERY_INTERFACE = ("", "0.0.0.0", "*", "[::]", "::")  # noqa: S104 - looked for, not bound


class Front(NamedTuple):
    """A way in: the passages from the client's side on; *start* None: by a start the files do not show."""

    chain: tuple[Passage, ...]
    start: Start | None

    @property
    def last(self) -> Passage:
        """The passage that hands requests to the application."""
        return self.chain[-1]

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The chain as the plan's layers."""
        return tuple(each.layer() for each in self.chain)

    @property
    def folder(self) -> str:
        """The directory that holds all that the start can run, from the project's root; "": any."""
        launch = self.start.launch if self.start else None
        folder = (launch.image.context if launch.image else launch.directory) if launch else ""
        return "" if folder == "." else folder

    def holds(self, path: str) -> bool:
        """Whether the file at *path* can be of what this way leads to."""
        return not self.folder or path.startswith(f"{self.folder}/")

    def trusted(self, name: str) -> int | None:
        """Return how many values of the field *name* no client influences; None where that is not known."""
        if any(each.operation(name) == "unknown" for each in self.chain):
            return None
        return chain.count(self.layers, name).trusted

    def hops(self, name: str) -> int:
        """Return the right hop count of the field *name*."""
        return chain.counts(self.layers)[name]


def passages(project: Project) -> tuple[Passage, ...]:
    """Return every passage of every proxy."""
    found: list[Passage] = []
    for each in sorted(module.name for module in pkgutil.iter_modules(proxies.__path__)):
        found += importlib.import_module(f"{proxies.__name__}.{each}").passages(project)
    return tuple(found)


def fronts(project: Project) -> tuple[Front, ...]:
    """Return the ways through proxies that lead to the application."""
    starts = project.derive(web_starts)
    every = project.derive(passages)
    found, rest = [], []
    for each in every:
        ends = [
            start
            for start in starts
            if any(_leads(each, goal, start) or _selects(project, goal, start) for goal in each.targets)
        ]
        kin = [start for start in starts if start.launch.kind in each.kinds]
        ends = ends or (kin if len(kin) == 1 else [])
        found += [Front((*_before(each, every), each), start) for start in ends]
        if not ends and each.targets and each.targets[0].is_local:
            rest.append(each)
    # Where all that is passed on here goes to one place, that is the application, however it is started.
    if len({each.targets for each in rest}) == 1 and not found and project.derive(applications):
        found += [Front((each,), None) for each in rest]
    return tuple(found)


def _before(last: Passage, every: tuple[Passage, ...]) -> tuple[Passage, ...]:
    """Return the passages that lead to the proxy of *last*, where there is one way only."""
    chain_before: tuple[Passage, ...] = ()
    while (service := last.service) is not None:
        leading = [
            each
            for each in every
            if each.service is not service and any(_reaches(each, goal, service) for goal in each.targets)
        ]
        if len(leading) != 1 or leading[0] in chain_before:
            break
        last = leading[0]
        chain_before = (last, *chain_before)
    return chain_before


def _reaches(passage: Passage, goal: Target, service: Service) -> bool:
    """Whether *goal* is *service* by one of its names, which are known in its own compose file only."""
    if goal.host not in names(service):
        return False
    if passage.service is not None:
        return passage.service.path == service.path
    folder = posixpath.dirname(service.path)
    return not folder or passage.at.path.startswith(f"{folder}/")


def _selects(project: Project, goal: Target, start: Start) -> bool:
    """Whether *goal* is the name of a Kubernetes Service that leads to the pod of *start*."""
    platform = start.launch.platform
    return isinstance(platform, Pod) and goal.host in {each.name for each in services_of(project, platform)}


def _leads(passage: Passage, goal: Target, start: Start) -> bool:
    server, service = start.server, start.launch.service
    if server is None:
        return False
    if service is not None and _reaches(passage, goal, service):
        return True
    if goal.socket:
        return any(goal.socket == bind.socket for bind in binds(server))
    if not goal.is_local or not goal.port:
        return False
    if service is not None and service.text("network_mode") != "host":
        return any(port.published == goal.port for port in service.ports)
    is_on_host = service is not None or not start.launch.is_container
    return is_on_host and any(goal.port == bind.port for bind in binds(server))


def binds(server: Server) -> tuple[Target, ...]:
    """Return what the server listens on, as far as it is told."""
    given = server.settings.get("bind")
    if not isinstance(given, Given):
        return ()
    texts = given.value if isinstance(given.value, list | tuple) else [given.value]
    return tuple(target(str(each)) for each in texts if "$" not in str(each))


def open_ports(start: Start) -> list[Port]:
    """Return the ports that the start's service publishes on every interface of the host."""
    service = start.launch.service
    ports = service.ports if service else []
    return [port for port in ports if not port.is_loopback and "$" not in port.published]


def application(project: Project, start: Start | None) -> Application | None:
    """Return the Flask object that *start* serves: of several, the one its module makes."""
    every = project.derive(applications)
    server = start.server if start else None
    module = server.application.partition(":")[0].partition(".wsgi")[0] if server else ""
    file = find(project, module, start.launch.at.path) if start and module else None
    near = file.path if file else (start.launch.at.path if start else "")
    same = [each for each in every if each.file is file]
    if same or len(every) < 2:
        return next(iter(same or every), None)
    folder = posixpath.dirname(near)
    return max(every, key=lambda each: len(posixpath.commonprefix([f"{folder}/", each.file.path])))
