"""Where Python looks for the application's module in an image, and whether it is there."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from gunwale.project.context import layout
from gunwale.project.facts import Given
from gunwale.project.image import ELSEWHERE
from gunwale.project.packages import installed
from gunwale.project.readers.shell_script import ShellScript

if TYPE_CHECKING:
    from gunwale.project.image import Image
    from gunwale.project.model import Project
    from gunwale.project.start import Start

# What installs the project itself, so that its modules are among the site-packages.
_INSTALLING = re.compile(
    r"\b(?:poetry|uv\s+sync|pdm|pipenv|hatch|flit|setup\.py|-m\s+build|pex|shiv|git\s+clone|mv|cp|ln|rsync)\b|"
    r"\bpip3?\s+wheel\b(?![^&;|]*\s-r)|\.whl|\.pth"
)
_ARCHIVES = (".gz", ".zip", ".whl", ".tar", ".tgz")
_CD = re.compile(r"(?:^|[;&|(]|\bthen\b)\s*cd\s+[\"']?([^\s;&|\"')]+)", re.MULTILINE)


def search_path(project: Project, start: Start) -> list[str] | None:
    """Return the directories that are searched, beside the installed packages; None: not known."""
    image, server = start.launch.image, start.server
    if image is None or server is None:
        return None
    service = start.launch.service
    workdir = service.text("working_dir") if service else None
    folders = [workdir or image.workdir]
    for name in ("chdir", "pythonpath"):
        said = server.settings.get(name)
        if said is not None and not isinstance(said, Given):
            return None
        folders += str(said.value).split(",") if said is not None else []
    python_path = start.environ.get("PYTHONPATH")
    folders += python_path.value.split(":") if python_path else []
    callers = (image.dockerfile.path, start.launch.at.path)
    for path in {step.at.path for step in start.steps}:
        script = project.one(ShellScript, path) if path.endswith(".sh") or path not in callers else None
        source = project.source(path) if script is not None else None
        if source is not None and "PYTHONPATH" in source.text:
            return None
        folders += _CD.findall(source.text) if source is not None else []
    folders += [found for step in start.steps for found in _CD.findall(step.text)]
    joined = [posixpath.normpath(posixpath.join(folders[0], each)) for each in folders]
    return None if any("$" in each for each in joined) else joined


def is_there(project: Project, image: Image, folders: list[str], module: str) -> bool:
    """Whether the first part of *module* is in one of *folders* of the image."""
    top = module.partition(".")[0]
    wanted = [posixpath.join(folder, top) for folder in folders]
    return any(
        path == f"{each}.py" or path.startswith(f"{each}/")
        for path in layout(project, image)
        for each in wanted
    )


def may_be_installed(project: Project, image: Image) -> bool:
    """Whether a step may put the project's modules where they are found, or files we do not see."""
    if any(each.manager == "directory" for each in installed(project, image)):
        return True
    runs = [each for stage in image.dockerfile.stages for each in stage.all("RUN")]
    if any(_INSTALLING.search(f"{each.value} {each.heredoc}") for each in runs):
        return True
    return may_hold_more(project, image)


def may_hold_more(project: Project, image: Image) -> bool:
    """Whether a COPY brings files that are not told: by a variable, an archive, or another build."""
    sources = [source for copy in image.copies for source in copy.sources]
    if any("$" in each or "://" in each or each.endswith(_ARCHIVES) for each in sources):
        return True
    inner = [stage for copy in image.copies if (stage := image.origin(project, copy)) is not None]
    return any(copy.origin == ELSEWHERE for copy in image.copies) or any(
        may_hold_more(project, stage) for stage in inner
    )
