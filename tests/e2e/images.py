"""The images the container tests run. No registry of images can be reached, so the base is made here.

The base is Debian's minimal system with its Python, from the mirror this machine's own apt uses.
On it stand gunwale's built wheel and locked packages, from the index this machine's own pip uses.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from e2e.engine import EngineError, cache_directory

if TYPE_CHECKING:
    from e2e.engine import Engine

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements" / "image.txt"
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


def _mirror(suite: str) -> str:
    """Return the mirror of *suite* that this machine's apt is configured with."""
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
    if engine.has_image(tag):
        return tag
    with tempfile.TemporaryDirectory(prefix="gunwale-base-") as folder:
        system = Path(folder) / "system"
        _run(
            ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", suite, str(system), _mirror(suite)]
        )
        shutil.copy(CERTIFICATES, system / CERTIFICATES.relative_to("/"))
        archive = Path(folder) / "system.tar"
        leave_out = [f"--exclude=./{path}/*" for path in LEFT_OUT]
        _run(["tar", "--create", "--file", str(archive), "--directory", str(system), *leave_out, "."])
        engine.run("import", str(archive), tag)
    return tag


def wheelhouse(engine: Engine, base: str) -> Path:
    """Download the locked wheels for the base image's Python, unless they are there."""
    version = engine.run(
        "run", "--rm", base, "python3", "-c", "import sys; print(*sys.version_info[:2], sep='.')"
    )
    version = version.strip()
    locked = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    house = cache_directory() / f"wheels-{version}-{locked}"
    if not house.exists():
        with tempfile.TemporaryDirectory(dir=cache_directory()) as folder:
            pip = [sys.executable, "-m", "pip", "download", "-qq", "--disable-pip-version-check", "--no-deps"]
            pip += ["--require-hashes", "--only-binary=:all:", "--python-version", version, "--dest", folder]
            _run([*pip, "--requirement", str(REQUIREMENTS)])
            shutil.copytree(folder, house)
    return house


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
