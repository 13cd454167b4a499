from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unit.render.conftest import Text

HOST = "rollout.platform=host"
SERVICE = "deploy/shop.service"


def test_the_clock_of_the_unit_is_the_plans(text: Text) -> None:
    lines = text("systemd", HOST, "rollout.ready_timeout=90s").splitlines()

    assert "TimeoutStopSec=60" in lines
    assert lines[lines.index("TimeoutStopSec=60") - 1].startswith(
        "# stop_timeout 60: lame_duck 0 + drain_timeout 57"
    )
    assert "TimeoutStartSec=90" in lines


def test_gunwale_reloads_by_its_own_word_and_needs_no_socket_unit(text: Text) -> None:
    found = text("systemd", HOST)

    assert "ExecStart=/srv/shop/.venv/bin/gunwale serve\n" in found
    assert "ExecReload=/srv/shop/.venv/bin/gunwale reload\n" in found
    assert "Requires=" not in found
    assert "AF_NETLINK" in found


def test_gunicorn_is_given_its_sockets(text: Text) -> None:
    sets = (HOST, "rollout.command=gunicorn", "serve.bind=['127.0.0.1:8000', 'unix:/run/shop/web.sock']")

    assert "Requires=shop.socket\n" in text("systemd", *sets, path=SERVICE)
    assert "ListenStream=127.0.0.1:8000\nListenStream=/run/shop/web.sock\n" in text(
        "systemd", *sets, path="deploy/shop.socket"
    )


def test_what_systemd_would_expand_is_quoted(text: Text) -> None:
    found = text(
        "systemd", HOST, "rollout.command=gunicorn", "app=app:make(\"a b\", '$HOME %n')", path=SERVICE
    )

    assert """gunicorn.conf.py "app:make(\\"a b\\", '$$HOME %%n')"\n""" in found


def test_limits_are_written_where_somebody_gave_them(text: Text) -> None:
    assert "MemoryMax" not in text("systemd", HOST)
    assert "CPUQuota" not in text("systemd", HOST)
    found = text("systemd", HOST, "resources.memory=512MiB", "resources.cpu=1.5")

    assert "MemoryMax=536870912\n" in found
    assert "CPUQuota=150%\n" in found


def test_another_process_has_a_unit_of_its_own_in_the_same_sandbox(text: Text) -> None:
    sets = (HOST, "rollout.processes={worker = 'celery -A shop worker'}")
    found = text("systemd", *sets, path="deploy/shop-worker.service")

    assert "\nExecStart=/srv/shop/.venv/bin/celery -A shop worker\n" in found
    assert "\nTimeoutStopSec=60\n" in found
    assert "\nDynamicUser=yes\n" in found
    assert "Type=notify" not in found
    assert "\nworker: celery -A shop worker\n" in text("procfile", *sets[1:])


def test_the_procfile_names_one_web_process(text: Text) -> None:
    assert "\nweb: gunwale serve\n" in text("procfile")
    assert "release:" not in text("procfile")
    found = text("procfile", "rollout.command=gunicorn", "rollout.release_command=flask db upgrade")

    assert "\nweb: gunicorn -c gunicorn.conf.py app:app\n" in found
    assert "\nrelease: flask db upgrade\n" in found
