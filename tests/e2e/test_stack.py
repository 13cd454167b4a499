"""The shop's whole stack as rendered: application, front, PostgreSQL, PgBouncer, brought up by compose."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, NamedTuple

import pytest

from e2e.images import ROOT, base_image, more_wheels, official_python
from e2e.stack import Census, Crowd, Door, Stack, brought_up
from e2e.stack_images import debian_image, stand_ins
from gunwale.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from e2e.engine import Engine
    from e2e.images import Python

pytestmark = [pytest.mark.docker, pytest.mark.soak]

NAME, HOST, PASSWORD = "gunwale-test-stack", "shop.example", "for-this-test-only"
WORKERS, CLIENTS, ORDERS = 2, 24, 150
FORGED = {
    "X-Forwarded-For": "6.6.6.6",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Prefix": "/6",
    "Forwarded": "for=6.6.6.6;proto=http;host=evil.example",
    "X-Real-IP": "6.6.6.6",
}
PACKAGES = ("gunwale", "gunicorn", "flask[async]", "flask-login", "flask-sqlalchemy", "psycopg[binary]")
# Fronts have the ports of this machine; the engine of Debian 12 is older than start_interval.
OVERRIDE = "services:\n  front:\n    ports: !reset []\n"


class Case(NamedTuple):
    """A front, and how many connections there may be: by a pooler, or by the budget of the pools alone."""

    front: str
    layer: str
    pooler: str
    pool_size: int
    max_overflow: int
    max_connections: int
    most: int


CASES = [
    # 15 − 3 reserved − 1 other = 11 for the pooler, where the pools could ask for 2 × 15 × 2 = 60.
    Case("caddy", "caddy", "pgbouncer", 5, 10, 15, 11),
    # 2 workers × 3 × 2 in a reload + 1 other = 13 = 16 − 3.
    Case("nginx", "nginx-overwrite", "none", 2, 1, 16, 12),
]


class Up(NamedTuple):
    """A stack that is up, and what bringing it up took."""

    stack: Stack
    case: Case
    seconds: float


@pytest.fixture(scope="module")
def images(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Python]:
    """Have every image of the stack but the application's; give its Python."""
    more = more_wheels(engine, base_image(engine), "psycopg", "typing-extensions")
    with (
        stand_ins(engine, tmp_path_factory.mktemp("stack")),
        official_python(engine, tmp_path_factory.mktemp("python"), more) as python,
    ):
        yield python


@pytest.fixture(scope="module", params=CASES, ids=lambda each: f"{each.front}-{each.pooler}")
def up(
    request: pytest.FixtureRequest, engine: Engine, images: Python, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Up]:
    """Render the shop for Docker, build it, and bring it up."""
    pytest.importorskip("psycopg", reason="make proxies")
    case: Case = request.param
    project = tmp_path_factory.mktemp("project") / "shop"
    _write(project, case, images)
    stack = Stack(engine=engine, image=debian_image(engine), folder=project)
    stack.compose("build", "--quiet")
    try:
        with brought_up(stack) as seconds:
            yield Up(stack, case, seconds)
    finally:
        engine.run("rmi", "--no-prune", NAME)


def _write(project: Path, case: Case, python: Python) -> None:
    leave_out = shutil.ignore_patterns("pyproject.toml", "__pycache__", "*.sqlite*")
    shutil.copytree(ROOT / "examples" / "shop", project, ignore=leave_out)
    (project / "requirements.txt").write_text("\n".join(PACKAGES))
    (project / "gunwale.toml").write_text(
        f'app = "shop:create_app()"\nname = "{NAME}"\n'
        f'serve.worker_class = "gthread"\nserve.workers = {WORKERS}\nimage.python = "{python.version}"\n'
        f'image.base = "{python.base}"\n'
        f'health.checks = ["shop.health:database"]\nsecurity.trusted_hosts = ["{HOST}"]\n'
        f'proxies.chain = [{{name = "{case.layer}", tls = true}}]\nrollout.platform = "docker"\n'
        'rollout.release_command = "flask --app shop seed"\n'
        'environment.required = ["FLASK_SECRET_KEY", "FLASK_SQLALCHEMY_DATABASE_URI", '
        '"FLASK_SQLALCHEMY_ENGINE_OPTIONS"]\n'
        f"[database]\npool_size = {case.pool_size}\nmax_overflow = {case.max_overflow}\nothers = 1\n"
        f'max_connections = {case.max_connections}\npooler = "{case.pooler}"\n'
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        main(["render"], standalone_mode=False)
    server = "pgbouncer:6432" if case.pooler == "pgbouncer" else "db:5432"
    options = f'{{"pool_size":{case.pool_size},"max_overflow":{case.max_overflow}}}'
    (project / ".env").write_text(
        f"POSTGRES_PASSWORD={PASSWORD}\nFLASK_SECRET_KEY=long-enough-for-a-test\n"
        f"FLASK_SQLALCHEMY_DATABASE_URI=postgresql+psycopg://{NAME}:{PASSWORD}@{server}/{NAME}\n"
        f"FLASK_SQLALCHEMY_ENGINE_OPTIONS='{options}'\n"
    )
    (project / "userlist.txt").write_text(f'"{NAME}" "{PASSWORD}"\n')
    compose = project / "compose.yaml"
    compose.write_text(re.sub(r"\n +start_interval: .*", "", compose.read_text()))
    override = OVERRIDE
    if case.front == "nginx":
        live = _certificate(project)
        site = "./deploy/nginx.conf:/etc/nginx/conf.d/default.conf:ro"
        override += f'    volumes: !override ["{site}", "{live}:/etc/letsencrypt:ro"]\n'
    else:
        caddyfile = project / "deploy" / "Caddyfile"
        # The authority of the machine itself: no other can be reached.
        caddyfile.write_text(
            caddyfile.read_text().replace("# >>> yours: options\n", "# >>> yours: options\n\tlocal_certs\n")
        )
    (project / "compose.override.yaml").write_text(override)


def _certificate(project: Path) -> Path:
    folder = project.parent / "letsencrypt"
    live = folder / "live" / HOST
    live.mkdir(parents=True)
    words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    files = ["-keyout", str(live / "privkey.pem"), "-out", str(live / "fullchain.pem")]
    subprocess.run(["openssl", *words, "-subj", f"/CN={HOST}", *files], check=True, capture_output=True)
    return folder


def test_the_stack_comes_up_and_its_urls_are_right(up: Up) -> None:
    began = time.monotonic()
    door = Door(up.stack.address("front", "front"))
    first = up.seconds + door.wait() - began
    print(f"{up.case.front}: up to the first 200 in {first:.1f} s")

    links = door.json("/links", {})
    assert links["index"] == f"https://{HOST}/"
    assert links["product"] == f"https://{HOST}/products/1"
    assert links["is_secure"] is True
    assert door.json("/links", FORGED) == links
    gateway = door.address.rpartition(".")[0] + ".1"
    assert links["client"] == gateway


def test_the_database_never_has_more_connections_than_the_budget(up: Up) -> None:
    door = Door(up.stack.address("front", "front"))
    door.wait()
    uri = f"postgresql://{NAME}:{PASSWORD}@{up.stack.address('db', 'back')}:5432/{NAME}"
    with Census(uri) as census, Crowd(door, CLIENTS) as crowd:
        crowd.wait_for(ORDERS)
        before = census.most
        said = up.stack.engine.run("exec", up.stack.name("app"), "gunwale", "reload")
        crowd.wait_for(2 * ORDERS)
    print(f"{up.case.front}: at most {before}, in a reload {census.most} of {up.case.most}; {crowd.statuses}")

    assert "error" not in said.lower()
    assert set(crowd.statuses) == {"200", "201"}
    assert census.samples > ORDERS
    assert 0 < census.most <= up.case.most
