from __future__ import annotations

import json
import subprocess
import sys
import threading
import tomllib
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gunwale.errors import ConfigurationError
from gunwale.render import packaging

if TYPE_CHECKING:
    from unit.render.conftest import Text

DOCKER = "rollout.platform=docker"


@pytest.fixture
def locked(project: Path) -> Path:
    (project / "requirements.txt").write_text("flask==3.1.3\ngunicorn==27.0.1\ngunwale==0.1\n")
    return project


@pytest.mark.usefixtures("locked")
def test_the_image_runs_gunwale_as_a_number_in_exec_form(text: Text) -> None:
    lines = text("dockerfile", DOCKER).splitlines()

    assert "USER 10001:10001" in lines
    assert 'CMD ["gunwale", "serve"]' in lines
    assert "STOPSIGNAL SIGTERM" in lines
    assert "EXPOSE 8000" in lines


@pytest.mark.usefixtures("locked")
def test_gunicorn_is_started_with_its_file_and_the_application(text: Text) -> None:
    lines = text("dockerfile", DOCKER, "rollout.command=gunicorn").splitlines()

    assert 'CMD ["gunicorn", "-c", "gunicorn.conf.py", "app:app"]' in lines


@pytest.mark.usefixtures("locked")
def test_packages_of_the_system_are_installed_in_the_stage_that_needs_them(text: Text) -> None:
    found = text("dockerfile", DOCKER, "image.build_packages=['gcc']", "image.system_packages=['libpq5']")
    build, _, image = found.partition("\nFROM python:3.13-slim\n")

    assert "install-recommends gcc " in build
    assert "gcc" not in image
    assert "install-recommends libpq5 " in image


@pytest.mark.usefixtures("locked")
def test_an_alpine_image_has_another_package_manager(text: Text) -> None:
    found = text("dockerfile", DOCKER, "image.base=alpine", "image.system_packages=['libpq']")

    assert "RUN apk add --no-cache libpq\n" in found


@pytest.mark.usefixtures("locked")
def test_the_cache_mount_is_asked_for(text: Text) -> None:
    assert "--mount" not in text("dockerfile", DOCKER)
    assert (
        "RUN --mount=type=cache,target=/cache PIP_CACHE_DIR=/cache pip install -r requirements.txt\n"
        in text("dockerfile", DOCKER, "image.cache_mounts=true")
    )


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"uv.lock": 'name = "gunwale"', "pyproject.toml": ""}, "uv sync --no-cache --frozen --no-dev"),
        ({"poetry.lock": 'name = "gunwale"', "pyproject.toml": ""}, "poetry install --no-cache --only main"),
        ({"Pipfile.lock": '{\n  "gunwale": {}\n}', "Pipfile": ""}, "--require-hashes -r requirements.txt"),
        ({"requirements.txt": "gunwale==0.1 --hash=sha256:00\n"}, "--require-hashes -r requirements.txt"),
    ],
)
def test_the_lock_file_is_honoured(text: Text, project: Path, files: dict[str, str], command: str) -> None:
    for name, content in files.items():
        (project / name).write_text(content)

    assert command in text("dockerfile", DOCKER)


def test_without_a_file_of_packages_nothing_is_guessed(text: Text, project: Path) -> None:
    (project / "requirements.txt").unlink()

    with pytest.raises(ConfigurationError, match="no file says what to install"):
        text("dockerfile", DOCKER)


@pytest.mark.parametrize("server", ["gunwale", "gunicorn"])
def test_an_image_that_could_not_start_is_refused(text: Text, project: Path, server: str) -> None:
    (project / "requirements.txt").write_text(f"flask==3.1.3\n# {server}\n{server}-else==1\n")

    with pytest.raises(ConfigurationError, match=f"does not name {server}, which the image starts"):
        text("dockerfile", DOCKER, f"rollout.command={server}")


def test_an_interpreter_that_gunwale_does_not_run_on_is_refused(text: Text, project: Path) -> None:
    (project / "requirements.txt").write_text("flask==3.1.3\ngunicorn==23.0.0\n")

    with pytest.raises(ConfigurationError) as caught:
        text("dockerfile", DOCKER, "image.python=3.8")
    told = str(caught.value)
    assert "does not name gunwale, which the image starts" in told
    assert "image.python (--set image.python): 3.8: gunwale runs on 3.11 or newer" in told
    assert "FROM python:3.8-slim\n" in text(
        "dockerfile", DOCKER, "image.python=3.8", "rollout.command=gunicorn"
    )


def test_the_oldest_interpreter_is_that_of_the_package() -> None:
    pyproject = Path(__file__).resolve().parents[3] / "pyproject.toml"
    oldest = tomllib.loads(pyproject.read_text())["project"]["requires-python"].removeprefix(">=")

    assert oldest in packaging.TOO_OLD
    assert not packaging.is_too_old(oldest)
    assert packaging.is_too_old("3.9")


def test_a_plan_for_no_platform_is_refused_with_the_line_to_write(text: Text) -> None:
    with pytest.raises(ConfigurationError, match='platform = "docker" or "ecs" or "kubernetes"'):
        text("dockerfile")


@pytest.mark.usefixtures("locked")
def test_an_application_under_src_is_importable(text: Text, project: Path) -> None:
    (project / "src").mkdir()
    (project / "app.py").rename(project / "src" / "app.py")

    assert "ENV PYTHONPATH=/srv/src\n" in text("dockerfile", DOCKER)


@pytest.mark.usefixtures("locked")
@pytest.mark.parametrize(("status", "exit_code"), [(200, 0), (503, 1)])
def test_the_health_check_is_a_program_of_the_images_own(text: Text, status: int, exit_code: int) -> None:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/health" else 404)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Say nothing: another test may listen to stderr."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            assert _asks(text, server.server_port) == exit_code
        finally:
            server.shutdown()
            thread.join()


def _asks(text: Text, port: int) -> int:
    found = text("dockerfile", DOCKER, f"serve.admin_bind=127.0.0.1:{port}")
    (line,) = [each for each in found.splitlines() if each.startswith("    CMD ")]
    words = json.loads(line.removeprefix("    CMD "))
    assert words[0] == "python"
    return subprocess.run([sys.executable, *words[1:]], timeout=30, check=False).returncode


@pytest.mark.usefixtures("locked")
def test_without_an_admin_port_the_application_is_asked_by_a_name_it_trusts(text: Text) -> None:
    for sets in (("rollout.command=gunicorn",), ("serve.admin_bind=off",)):
        found = text("dockerfile", DOCKER, "security.trusted_hosts=['.shop.example']", *sets)

        assert "HTTPConnection('127.0.0.1:8000', timeout=2)" in found
        assert "'Host': 'shop.example'" in found


def test_every_pattern_of_the_dockerignore_holds_at_every_depth(text: Text) -> None:
    lines = [line for line in text("dockerignore", DOCKER).splitlines() if not line.startswith("#")]

    assert {"**/.git", "**/.env", "**/.env.*", "**/instance", "**/tests", "**/*.pyc"} <= set(lines)
    assert all(line.startswith("**/") for line in lines)
