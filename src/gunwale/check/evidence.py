"""What shows that an item of the checklist is met: places with what stands there, or why it is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.project.context import context_files, dockerignore
from gunwale.project.facts import Given, Unknown
from gunwale.project.fronts import binds, fronts, open_ports
from gunwale.project.gunicorn_workers import worker_class
from gunwale.project.health import LIVENESS, READINESS, checks
from gunwale.project.passage import FIELDS
from gunwale.project.private_files import is_private
from gunwale.project.privileges import user as user_of
from gunwale.project.process_tree import container_starts
from gunwale.project.python.async_views import async_views
from gunwale.project.python.client_facts import proxy_fixes
from gunwale.project.python.configuration import named
from gunwale.project.start_path import images, web_starts
from gunwale.project.stopping import grace

if TYPE_CHECKING:
    from gunwale.check.run import Report
    from gunwale.project.image import Image
    from gunwale.project.start import Server, Start

Evidence = list[Given[str]] | str
_SETTINGS = ("TRUSTED_HOSTS", "SESSION_COOKIE_SECURE")
_NO_IMAGE = "no image of the project starts a server"


def _starts(report: Report) -> list[tuple[Start, Server]] | str:
    """Return every start with its server; where one of them is not known, nothing is said of the others."""
    unknown = [each for each in report.starts if isinstance(each.outcome, Unknown)]
    if unknown and isinstance(unknown[0].outcome, Unknown):
        return f"{unknown[0].launch.at}: the start path is not known: {unknown[0].outcome.why}"
    found = [(each, each.server) for each in report.starts if each.server is not None]
    return found or "no file of the project starts a server"


def _images(report: Report) -> list[tuple[Image, tuple[Start, ...]]] | str:
    found = _starts(report)
    if isinstance(found, str):
        return found
    return list(report.project.derive(images)) or _NO_IMAGE


def servers(report: Report) -> Evidence:
    """Every start ends in a server for production."""
    found = _starts(report)
    if isinstance(found, str):
        return found
    return [Given(f"{server.name} {server.application}".rstrip(), server.at) for _, server in found]


def workers(report: Report) -> Evidence:
    """The number is given; whether it suits a machine, the machine would have to say."""
    found = _starts(report)
    if isinstance(found, str):
        return found
    given = [server for _, server in found if isinstance(server.settings.get("workers"), Given)]
    if len(given) < len(found):
        return "the number of workers is not given in the files"
    return "the memory of a worker is not measured: gunwale plan, gunwale tune"


def worker_type(report: Report) -> Evidence:
    """The class is known, and no rule speaks against it."""
    found = _starts(report)
    if isinstance(found, str):
        return found
    known = [(server, worker_class(server)) for _, server in found if server.name == "gunicorn"]
    if len(known) < len(found) or any(name is None for _, name in known):
        return "the server has no worker classes, or the class is not known"
    return [Given(f"worker class {name}", server.setting_at("worker_class")) for server, name in known]


def user(report: Report) -> Evidence:
    """As whom each container's start runs."""
    found = _starts(report)
    if isinstance(found, str):
        return found
    inside = [start for start, _ in found if start.launch.is_container]
    if len(inside) < len(found):
        return "a start outside of a container runs as whoever starts it"
    users = [user_of(report.project, start) for start in inside]
    unknown = next((each for each in users if isinstance(each, Unknown)), None)
    if unknown is not None:
        return unknown.why
    known = [each for each in users if not isinstance(each, Unknown) and each.at is not None]
    return [Given(f"runs as {each.name}", each.at) for each in known if each.at is not None]


def doors(report: Report) -> Evidence:
    """A proxy leads to the application, and no port of it is open beside."""
    found = report.project.derive(fronts)
    if not found:
        return "no proxy's configuration that leads to the application is in the project"
    if any(front.start is None for front in found):
        return "the start that the proxy leads to is not in the project"
    closed = [front for front in found if front.start and _is_closed(front.start)]
    if len(closed) < len(found):
        return "what the server listens on is not known"
    return [Given(f"reached through {front.last.proxy} alone", front.last.at) for front in closed]


def _is_closed(start: Start) -> bool:
    """Whether nothing but the proxy reaches the start, by its published ports or what it binds."""
    if start.launch.service is not None and start.launch.service.text("network_mode") != "host":
        return not open_ports(start) and not any("$" in port.published for port in start.launch.service.ports)
    bound = binds(start.server) if start.server else ()
    return bool(bound) and all(each.is_local for each in bound)


def access_log(report: Report) -> Evidence:
    """Gunicorn is told to write it to stdout."""
    found = _starts(report)
    if isinstance(found, str):
        return found
    given = [
        Given("access log on stdout", server.setting_at("accesslog"))
        for _, server in found
        if isinstance(log := server.settings.get("accesslog"), Given) and log.value == "-"
    ]
    return given if len(given) == len(found) else "where the access log of each server goes is not known"


def proxy_fix(report: Report) -> Evidence:
    """A ProxyFix whose counts are those of the ways in that the files show."""
    fixes, found = report.project.derive(proxy_fixes), report.project.derive(fronts)
    if not found:
        return "no proxy's configuration that leads to the application is in the project"
    if not fixes:
        return "no ProxyFix, and nothing of the application that was seen needs one"
    if any(front.trusted(name) is None for front in found for name in ("for", "proto")):
        return "what the proxy writes is not known in full"
    counted = [name for name in ("for", "proto", "host", "port", "prefix") if fixes[0].hops(name)]
    return [Given(f"counts {', '.join(FIELDS[name] for name in counted)}", fixes[0].at)]


def measured_hops(report: Report) -> Evidence:
    """Files cannot show it: only a measurement can."""
    del report
    return "only the chain itself can tell: gunwale hops URL --record"


def hosts(report: Report) -> Evidence:
    """Both settings are there."""
    settings = [each for name in _SETTINGS for each in named(report.project, name)]
    if {each.name for each in settings} != set(_SETTINGS):
        return "one of them is not set in the files, and nothing that was seen needs it"
    return [Given(each.name, each.at) for each in settings]


def stages(report: Report) -> Evidence:
    """Every image has a stage to build in and one to run."""
    found = _images(report)
    if isinstance(found, str):
        return found
    if any(len(image.dockerfile.stages) < 2 for image, _ in found):
        return "an image is of one stage, without a compiler"
    return [Given(f"{len(image.dockerfile.stages)} stages", image.stage.start.at) for image, _ in found]


def command(report: Report) -> Evidence:
    """The command of every image is a list of words."""
    found = _images(report)
    if isinstance(found, str):
        return found
    commands = [image.cmd or image.entrypoint for image, _ in found]
    if any(each is None or each.words is None for each in commands):
        return "what the platform runs is not the image's own command, or in shell form"
    return [Given("exec form", each.at) for each in commands if each is not None]


def context(report: Report) -> Evidence:
    """What COPY takes in holds nothing private."""
    found = _images(report)
    if isinstance(found, str):
        return found
    taken = [path for image, _ in found for path, _ in context_files(report.project, image)]
    private = [path for path in taken if is_private(path)]
    if private:
        return f"{private[0]} is copied"
    ignores = [ignore for image, _ in found if (ignore := dockerignore(report.project, image))]
    places = [Given("left out by it", ignore.patterns[0].at) for ignore in ignores if ignore.patterns]
    return places or [Given("only what is named is copied", image.at) for image, _ in found]


def secrets(report: Report) -> Evidence:
    """The key comes from outside, without a value in the files to fall back on."""
    found = named(report.project, "SECRET_KEY")
    asked = [each for each in found if isinstance(each.value, Given) and each.value.variables]
    if not asked or len(asked) < len(found):
        return "where SECRET_KEY comes from is not in the files"
    return [Given("SECRET_KEY comes from the environment", each.at) for each in asked]


def pool(report: Report) -> Evidence:
    """No file of a project says how many connections its database takes."""
    del report
    return "max_connections is not in the files: gunwale plan counts with database.max_connections"


def process_tree(report: Report) -> Evidence:
    """PID 1 of every container is the server, or hands signals on to it."""
    found = _starts(report)
    if isinstance(found, str):
        return found
    inside = container_starts(report.project)
    if not inside:
        return "no container starts a server"
    servers_inside = [(start, start.server) for start in inside if start.server is not None]
    return [
        Given(f"PID 1 is {start.ancestors[0].text if start.ancestors else server.name}", server.at)
        for start, server in servers_inside
    ]


def stop(report: Report) -> Evidence:
    """Both the server's time and the platform's are written, and no rule compares them unfavourably."""
    found = _starts(report)
    if isinstance(found, str):
        return found
    given = [
        Given("graceful_timeout is given", server.setting_at("graceful_timeout"))
        for start, server in found
        if "graceful_timeout" in server.settings and grace(start) is not None
    ]
    return given if len(given) == len(found) else "graceful_timeout, or the time until SIGKILL, is not given"


def probes(report: Report) -> Evidence:
    """An orchestrator has both probes; a HEALTHCHECK alone is one for both."""
    found = [each for start in report.project.derive(web_starts) for each in checks(start)]
    both = [each for each in found if each.by in (LIVENESS, READINESS)]
    if {each.by for each in both} != {LIVENESS, READINESS}:
        return "no platform with separate probes is in the project"
    return [Given(each.by, each.at) for each in both]


def async_views_only(report: Report) -> Evidence:
    """Where there is no async view, none is taken for the wrong thing."""
    found = _starts(report)
    if isinstance(found, str):
        return found
    views = report.project.derive(async_views)
    if views:
        return f"{views[0].at}: what an async view waits for is not judged"
    return [Given("no async view is in the project", server.at) for _, server in found[:1]]
