"""As whom a start runs: the image's user, what the platform says over it, and what drops privileges later."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from gunwale.project.facts import Given, Place, Unknown
from gunwale.project.readers.python import PythonFile

if TYPE_CHECKING:
    from gunwale.project.image import Image
    from gunwale.project.model import Project
    from gunwale.project.start_path import Start

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
    said = service.get("user") if service else None
    if said is not None and said.text:
        return Unknown("a variable") if "$" in said.text else User(said.text, said.at)
    return _of_image(image)


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


def _file(project: Project, word: str) -> str:
    return word if word in project.tree else ""
