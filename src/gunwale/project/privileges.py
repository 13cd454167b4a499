"""As whom a start runs: the image's user, what the platform says over it, and what drops privileges later."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from gunwale.project.containers import Pod, Task
from gunwale.project.facts import Given, Place, Unknown
from gunwale.project.readers.ecs_task import get
from gunwale.project.readers.python import PythonFile
from gunwale.project.readers.supervisord import Supervisord

if TYPE_CHECKING:
    from gunwale.project.image import Image
    from gunwale.project.model import Project
    from gunwale.project.start import Start
    from gunwale.project.syntax.yaml import Node

# Official images that begin as root; of others, by whom they begin is not known.
_ROOT_BASES = re.compile(
    r"(?:docker\.io/)?(?:library/)?(?:python|debian|ubuntu|alpine|fedora|centos|rockylinux|almalinux|busybox|"
    r"amazonlinux|node|nginx|scratch|continuumio/[\w-]+|tiangolo/[\w-]+|pypy|nvidia/cuda|tensorflow/tensorflow|"
    r"public\.ecr\.aws/(?:docker/library|amazonlinux)/[\w-]+|ghcr\.io/astral-sh/uv)(?:[:@].*)?"
)
_DROPPING = re.compile(r"(?:^|/)(?:gosu|su-exec|setpriv|chpst|runuser|su|sudo|setuidgid|s6-setuidgid)$")
_DROPPING_CALLS = ("os.setuid", "os.setreuid", "os.setresuid", "pwd.getpwnam")


class User(NamedTuple):
    """The *name* or number a start runs as, where that is said (None: nowhere, so it is the base's own)."""

    name: str
    at: Place | None

    @property
    def is_root(self) -> bool:
        """Whether it is uid 0."""
        return self.name.partition(":")[0] in ("root", "0", "")


def user(project: Project, start: Start) -> User | Unknown:
    """Return as whom *start* runs its server."""
    service, image = start.launch.service, start.launch.image
    if image is None:
        return Unknown("not a container of the project")
    if _drops(project, start):
        return User("another user", start.launch.at)
    said = service.get("user") if service else _of_platform(start)
    if said is not None and said.text:
        return Unknown("a variable") if "$" in said.text else User(said.text, said.at)
    found = _of_image(image)
    refused = must_be_non_root(start)
    if refused is not None and (isinstance(found, Unknown) or found.is_root):
        return Unknown(f"{refused.at} refuses to start it as root")
    return found


def must_be_non_root(start: Start) -> Node | None:
    """Return Kubernetes' runAsNonRoot where it holds for *start*: the container's outweighs the pod's."""
    pod = start.launch.platform
    if not isinstance(pod, Pod):
        return None
    for owner in (pod.node, pod.spec):
        said = owner.get("securityContext", "runAsNonRoot")
        if said is not None:
            return said if said.scalar() is True else None
    return None


def _of_platform(start: Start) -> Node | None:
    platform = start.launch.platform
    if isinstance(platform, Pod):
        said = (each.get("securityContext", "runAsUser") for each in (platform.node, platform.spec))
        return next((each for each in said if each is not None), None)
    return get(platform.node, "user") if isinstance(platform, Task) else None


def _of_image(image: Image) -> User | Unknown:
    if image.user is not None:
        name = image.user.value.strip("\"' ")
        return Unknown("a variable") if "$" in name else User(name, image.user.at)
    if _ROOT_BASES.fullmatch(image.base.value):
        return User("root", None)
    return Unknown(f"by whom the base image {image.base.value} begins is not known")


def _drops(project: Project, start: Start) -> bool:
    server = start.server
    if server is not None and isinstance(server.settings.get("user"), Given):
        return True
    if any(each.text == "supervisord" for each in start.ancestors) and _is_dropped_by_supervisord(
        project, start
    ):
        return True
    if any(_DROPPING.search(step.text.split(" ")[0]) for step in start.steps if step.text):
        return True
    paths = {step.at.path for step in start.steps} | {
        found for step in start.steps for word in step.text.split() if (found := _file(project, word))
    }
    for path in paths:
        file = project.one(PythonFile, path) if path.endswith(".py") else None
        if file and any(call.name in _DROPPING_CALLS or "drop_priv" in call.name for call in file.calls):
            return True
    return False


def _is_dropped_by_supervisord(project: Project, start: Start) -> bool:
    """Whether supervisord is told of a user, for itself or for the program."""
    if all(each.text != "supervisord" for each in start.ancestors):
        return False
    files = project.of(Supervisord)
    at = {(step.at.path, step.at.line) for step in start.steps}
    sections = [each.main for each in files if each.main is not None]
    for file in files:
        for section in file.programs:
            command = section.last("command")
            if command is not None and (command.at.path, command.at.line) in at:
                sections.append(section)
    users = [said.value for each in sections if (said := each.last("user")) is not None]
    return any(name not in ("root", "0") for name in users)


def _file(project: Project, word: str) -> str:
    return word if word in project.tree else ""
