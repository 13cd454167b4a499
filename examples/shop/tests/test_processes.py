"""The shop in several processes: at their start, and under real servers."""

import contextlib
import http.client
import json
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

import pytest

from gunwale.measure.process import OwnedProcess

SHOP = Path(__file__).parents[1]
PROCESSES = 4
BOOTS = """
import sys
import sqlalchemy
from shop import create_app
from shop.database import db
print("ready", flush=True)
for line in sys.stdin:
    app = create_app({"INSTANCE_PATH": line.strip()})
    with app.app_context():
        print(app.secret_key, sqlalchemy.inspect(db.engine).get_table_names(), flush=True)
        db.engine.dispose()
"""


@contextlib.contextmanager
def booting() -> Iterator["subprocess.Popen[str]"]:
    """A process that boots the shop anew in each folder it reads, and prints what it found there."""
    command = [sys.executable, "-c", BOOTS]
    with subprocess.Popen(
        command, cwd=SHOP, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def write_line(process: "subprocess.Popen[str]", line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


@pytest.mark.timeout(60)
def test_processes_that_boot_at_once_agree_on_key_and_tables(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(booting()) for _ in range(PROCESSES)]
        assert [read_line(process) for process in processes] == ["ready\n"] * PROCESSES
        for attempt in range(10):
            for process in processes:
                write_line(process, str(tmp_path / str(attempt)))
            answers = {read_line(process) for process in processes}

            assert len(answers) == 1
            assert "['account', 'product', 'purchase', 'purchase_line', 'review']" in answers.pop()


@pytest.fixture(scope="module", params=["sync", "gthread", "gevent", "gevent --preload"])
def shop_port(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A seeded shop under three Gunicorn workers, which all booted on an empty folder."""
    folder = tmp_path_factory.mktemp("instance")
    environment = {"FLASK_INSTANCE_PATH": str(folder)}
    worker_class, *preload = request.param.split()
    command = [sys.executable, "-m", "gunicorn", "--bind=127.0.0.1:0", "--workers=3", "--threads=4"]
    command += ["--no-control-socket", f"--worker-class={worker_class}", *preload, "shop:create_app()"]
    with OwnedProcess(command, log=folder / "gunicorn.log", cwd=SHOP, env=environment) as server:
        port = int(server.wait_for_log(r"Listening at: http://127.0.0.1:(\d+)")[1])
        assert ask(port, "/")[0] == 200
        seed = [sys.executable, "-m", "flask", "--app", "shop", "seed"]
        with OwnedProcess(seed, log=folder / "seed.log", cwd=SHOP, env=environment) as seeding:
            assert seeding.wait_exit(30) == 0
        yield port
        assert "Traceback" not in server.log_text()


def ask(port: int, path: str, form: dict[str, object] | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        if form is None:
            connection.request("GET", path)
        else:
            fields = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST", path, urlencode(form), fields)
        answer = connection.getresponse()
        return answer.status, answer.read()


def test_workers_place_each_order_once(shop_port: int) -> None:
    keys = [uuid.uuid4().hex for _ in range(40)]

    def place(key: str) -> tuple[int, bytes]:
        return ask(shop_port, "/orders", {"id": key, "product_id": 5})

    with ThreadPoolExecutor(12) as clients:
        answers = list(clients.map(place, [*keys, *keys, *keys]))

    assert Counter(status for status, _ in answers) == {201: 40, 200: 80}
    assert len({body for _, body in answers}) == 40
    assert json.loads(ask(shop_port, "/orders/count")[1]) == {"count": 40}


def test_workers_run_async_views_side_by_side(shop_port: int) -> None:
    with ThreadPoolExecutor(12) as clients:
        answers = list(clients.map(lambda _: ask(shop_port, "/dashboard?seconds=0.2"), range(24)))

    assert [status for status, _ in answers] == [200] * 24


def test_workers_stream(shop_port: int) -> None:
    assert len(ask(shop_port, "/download?bytes=3000000&chunked=1")[1]) == 3_000_000
    assert ask(shop_port, "/events?count=2&interval=0.1")[1].count(b"orders") == 2
