"""What the project installs besides its own code, by its requirements, images and platforms."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunwale.project.packages import installed
from gunwale.project.readers.dockerfile import Dockerfile
from gunwale.project.readers.requirements import Requirements, normalised
from gunwale.project.roles import Role, role
from gunwale.project.start_path import images

if TYPE_CHECKING:
    from gunwale.project.facts import Place
    from gunwale.project.model import Project

SERVERS = frozenset(
    [
        "gunicorn",
        "gunwale",
        "waitress",
        "uwsgi",
        "pyuwsgi",
        "mod-wsgi",
        "mod-wsgi-standalone",
        "gevent",
        "eventlet",
        "cheroot",
        "cherrypy",
        "bjoern",
        "meinheld",
        "granian",
        "uvicorn",
        "hypercorn",
        "daphne",
        "tornado",
        "twisted",
        "pyruvate",
        "fastwsgi",
        "socketify",
        "zappa",
        "mangum",
        "apig-wsgi",
        "serverless-wsgi",
        "aws-wsgi",
        "awsgi",
        "awslambdaric",
        "functions-framework",
        "nginx-unit",
    ]
)
_MENTION = re.compile(
    r"\b(?:gunicorn|gunwale|waitress|u?wsgi-core|uwsgi|mod[-_]wsgi|gevent|eventlet|cheroot|bjoern|meinheld|granian|"
    r"uvicorn|hypercorn|unitd|passenger)\b",
    re.IGNORECASE,
)
_TELLING = (".sh", ".service", "Procfile", "Makefile", "setup.py", "setup.cfg")
# Where a platform starts the application, it brings the server. One that runs a command of the project's
# (Cloud Foundry, Render, Fly, Railway) brings none.
_PLATFORMS = re.compile(
    r"(?:.*/)?(?:app\.ya?ml|\.ebextensions/.*|\.elasticbeanstalk/.*|zappa_settings\.\w+|serverless\.ya?ml|vercel\.json|"
    r"passenger_wsgi\.py|uwsgi\.(?:ini|ya?ml|xml)|unit\.json|\.platform\.app\.yaml|template\.ya?ml|host\.json)",
)


def brings_server(project: Project) -> bool:
    """Whether anything may bring a production server: a package, an image, a script or a platform."""
    if any(each.name in SERVERS for file in project.of(Requirements) for each in file.requirements):
        return True
    dockerfiles = {file.path for file in project.of(Dockerfile)}
    for path in project.tree.files:
        if _PLATFORMS.fullmatch(path) or path.endswith(".wsgi"):
            return True
        is_told = path in dockerfiles or path.endswith(
            (*_TELLING, "environment.yml", "environment.yaml", "render.yaml", "render.yml", ".toml")
        )
        if is_told and role(path) is not Role.DEVELOPMENT and _is_mentioned(project, path):
            return True
    return False


def installs_unseen(project: Project) -> bool:
    """Whether an image of production installs from a file that is not in the project: it may name any."""
    names = {path.rpartition("/")[2] for path in project.tree.files}
    for image, _ in project.derive(images):
        for each in installed(project, image):
            name = each.name.rpartition("/")[2]
            if each.manager == "requirements" and "$" not in name and name not in names:
                return True
    return False


def _is_mentioned(project: Project, path: str) -> bool:
    source = project.source(path)
    lines = source.lines() if source is not None else []
    return any(_MENTION.search(line) for line in lines if not line.lstrip().startswith("#"))


def nearest(project: Project, name: str, near: str) -> Place | None:
    """Return where the package *name* is required, in the file that lies nearest to the path *near*."""
    wanted = normalised(name)
    found = [
        each.at
        for file in project.of(Requirements)
        if role(file.path) is not Role.DEVELOPMENT and not file.is_lock
        for each in file.requirements
        if each.name == wanted
    ]
    return min(found, key=lambda at: (-_shared(at.path, near), at), default=None)


def _shared(path: str, near: str) -> int:
    ours, theirs = path.split("/")[:-1], near.split("/")[:-1]
    return sum(1 for one, other in zip(ours, theirs, strict=False) if one == other)
