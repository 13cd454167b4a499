"""The images the container tests run. No registry of images can be reached, so the base is made here.

The base is Debian's minimal system with its Python, from the mirror this machine's own apt uses.
On it stand gunwale's built wheel and locked packages, from the index this machine's own pip uses.
"""

from __future__ import annotations

import contextlib
import hashlib
import platform
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from e2e.engine import EngineError, cache_directory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.engine import Engine

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements" / "image.txt"
DRIVERS = ROOT / "requirements" / "proxies.txt"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
PACKAGES = "python3,python3-venv,ca-certificates,curl"
LEFT_OUT = ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/locale", "usr/share/man")
BUILD_SECONDS = 600.0
APPLICATION = "gunwale-test-shop"


def _run(argv: list[str]) -> str:
    done = subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=BUILD_SECONDS,
        cwd=ROOT,
        check=False,
    )
    if done.returncode != 0:
        raise EngineError(f"{argv[0]} ended with {done.returncode}:\n{done.stdout[-4000:]}")
    return done.stdout


def _mirror() -> str:
    """Return the mirror that this machine's apt is configured with; it has the releases after it, too."""
    suite = platform.freedesktop_os_release()["VERSION_CODENAME"]
    ask = ["apt-get", "indextargets", "--format", "$(REPO_URI)", f"CODENAME: {suite}"]
    # apt knows its mirrors only by the lists it has fetched; a fresh machine may have none.
    if not (listed := _run(ask).split()):
        _run(["apt-get", "update", "-qq"])
        listed = _run(ask).split()
    if not listed:
        raise EngineError(f"apt has no mirror of {suite}: look at its sources")
    return listed[0]


def base_image(engine: Engine) -> str:
    """Build the base image, unless the engine has it; return its tag."""
    suite = platform.freedesktop_os_release()["VERSION_CODENAME"]
    recipe = f"{suite} {PACKAGES} {LEFT_OUT}".encode() + CERTIFICATES.read_bytes()
    tag = f"gunwale-test-base:{hashlib.sha256(recipe).hexdigest()[:12]}"
    return imported(engine, tag, suite, PACKAGES)


def imported(engine: Engine, tag: str, suite: str, packages: str) -> str:
    """Import a minimal Debian *suite* with *packages* as *tag*, unless the engine has it; return the tag."""
    if engine.has_image(tag):
        return tag
    with tempfile.TemporaryDirectory(prefix="gunwale-base-") as folder:
        system = Path(folder) / "system"
        _run(["debootstrap", "--variant=minbase", f"--include={packages}", suite, str(system), _mirror()])
        shutil.copy(CERTIFICATES, system / CERTIFICATES.relative_to("/"))
        archive = Path(folder) / "system.tar"
        leave_out = [f"--exclude=./{path}/*" for path in LEFT_OUT]
        _run(["tar", "--create", "--file", str(archive), "--directory", str(system), *leave_out, "."])
        engine.run("import", str(archive), tag)
    return tag


def wheelhouse(engine: Engine, base: str) -> Path:
    """Download the locked wheels for the base image's Python, unless they are there."""
    return _downloaded(engine, base, REQUIREMENTS.read_text())


def more_wheels(engine: Engine, base: str, *names: str) -> Path:
    """Download the wheels of *names* alone, as requirements/proxies.txt locks them."""
    blocks = re.split(r"^(?=\S+==)", DRIVERS.read_text(), flags=re.MULTILINE)
    return _downloaded(engine, base, "".join(each for each in blocks if each.startswith(tuple(names))))


def downloaded(*requirements: str) -> Path:
    """Download *requirements* with what they need, for this interpreter, unless they are there."""
    house = cache_directory() / f"tools-{hashlib.sha256(' '.join(requirements).encode()).hexdigest()[:12]}"
    if not house.exists():
        with tempfile.TemporaryDirectory(dir=cache_directory()) as folder:
            pip = [sys.executable, "-m", "pip", "download", "-qq", "--disable-pip-version-check"]
            _run([*pip, "--only-binary=:all:", "--dest", folder, *requirements])
            shutil.copytree(folder, house)
    return house


def _downloaded(engine: Engine, base: str, locked: str) -> Path:
    version = engine.run(
        "run", "--rm", base, "python3", "-c", "import sys; print(*sys.version_info[:2], sep='.')"
    )
    version = version.strip()
    house = cache_directory() / f"wheels-{version}-{hashlib.sha256(locked.encode()).hexdigest()[:12]}"
    if not house.exists():
        with (
            tempfile.TemporaryDirectory(dir=cache_directory()) as folder,
            tempfile.NamedTemporaryFile("w") as file,
        ):
            file.write(locked)
            file.flush()
            pip = [sys.executable, "-m", "pip", "download", "-qq", "--disable-pip-version-check", "--no-deps"]
            pip += ["--require-hashes", "--only-binary=:all:", "--python-version", version, "--dest", folder]
            _run([*pip, "--requirement", file.name])
            shutil.copytree(folder, house)
    return house


class Python(NamedTuple):
    """A stand-in for the official image: what the plan calls it, and its tag."""

    version: str
    base: str

    @property
    def tag(self) -> str:
        return f"python:{self.version}-{self.base}"


@contextlib.contextmanager
def official_python(engine: Engine, context: Path, *more: Path, index: str = "") -> Iterator[Python]:
    """Put Debian's own Python in the place of the official image, under a tag that is nobody else's.

    Its pip finds the locked wheels, gunwale's and those of *more* in the image, and nothing is fetched while
    building; with an *index* it has that one instead.
    """
    base = base_image(engine)
    house = wheelhouse(engine, base)
    python = Python(house.name.split("-")[1], f"slim-gunwale-test-{secrets.token_hex(4)}")
    for each in (house, *more):
        shutil.copytree(each, context / "wheels", dirs_exist_ok=True)
    built_wheel(context / "wheels")
    where = f"index-url = {index}" if index else "no-index = true\nfind-links = /wheels"
    (context / "pip.conf").write_text(f"[global]\n{where}\n")
    lines = [f"FROM {base}", "COPY wheels /wheels", "COPY pip.conf /etc/pip.conf"]
    # As the official image's, its pip may install beside the interpreter, which Debian's own may not.
    lines += (
        ["RUN python3 -m venv /opt/official"]
        if index
        else ["RUN ln -s /usr/bin/python3 /usr/local/bin/python"]
    )
    lines += ["ENV PATH=/opt/official/bin:/usr/local/bin:/usr/bin:/bin"]
    (context / "Dockerfile").write_text("\n".join(lines))
    engine.run("build", "--quiet", "--tag", python.tag, str(context))
    try:
        yield python
    finally:
        engine.run("rmi", "--no-prune", "--force", python.tag)


def built_wheel(folder: Path) -> Path:
    """Build gunwale's wheel into *folder*."""
    _run([sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)])
    (wheel,) = folder.glob("gunwale-*.whl")
    return wheel


def application_image(engine: Engine, base: str, source: Path) -> str:
    """Build the image of the application in *source* with gunwale beside it; return its tag."""
    tag = f"{APPLICATION}:latest"
    with tempfile.TemporaryDirectory(prefix="gunwale-image-") as folder:
        context = Path(folder)
        shutil.copy(Path(__file__).with_name("Dockerfile"), context)
        shutil.copy(REQUIREMENTS, context / "requirements.txt")
        shutil.copytree(wheelhouse(engine, base), context / "wheelhouse")
        built_wheel(context / "gunwale")
        leave_out = shutil.ignore_patterns("tests", "__pycache__", "instance", "*.sqlite*")
        shutil.copytree(source, context / "app", ignore=leave_out)
        engine.run(
            "build", "--quiet", "--build-arg", f"BASE={base}", "--tag", tag, folder, seconds=BUILD_SECONDS
        )
    return tag
