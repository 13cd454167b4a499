"""A machine with a real systemd: the PID 1 of a container."""

from __future__ import annotations

import platform
import time
from typing import TYPE_CHECKING

from e2e.containers import a_container
from e2e.engine import EngineError
from e2e.images import PACKAGES, imported

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from e2e.containers import Container
    from e2e.engine import Engine

# What systemd needs to be PID 1, and to make namespaces for its services: its cgroups, and these rights.
OPTIONS = (
    *("--cap-add", "SYS_ADMIN", "--cap-add", "NET_ADMIN", "--cap-add", "SYS_PTRACE"),
    *("--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"),
    *("--tmpfs", "/run", "--tmpfs", "/run/lock", "--tmpfs", "/tmp", "--env", "container=docker"),
    *("--volume", "/sys/fs/cgroup:/sys/fs/cgroup:rw"),
)
BOOT_SECONDS = 60.0


def image(engine: Engine) -> str:
    """Build its image, unless the engine has it; return its tag."""
    suite = platform.freedesktop_os_release()["VERSION_CODENAME"]
    packages = f"{PACKAGES},systemd,systemd-sysv,dbus,libpam-systemd"
    return imported(engine, f"gunwale-test-systemd:{suite}-pam", suite, packages)


def a_machine(engine: Engine) -> AbstractContextManager[Container]:
    """Start one, not booted yet."""
    return a_container(engine, image(engine), "/sbin/init", options=OPTIONS)


def sh(container: Container, line: str) -> str:
    try:
        return container.engine.run("exec", container.name, "sh", "-c", line)
    except EngineError as error:
        journal = container.engine.run(
            "exec", container.name, "sh", "-c", "journalctl -n 60 --no-pager || true"
        )
        raise EngineError(f"{error}\n{journal}") from error


def booted(container: Container) -> None:
    deadline = time.monotonic() + BOOT_SECONDS
    while (state := _state(container)) not in ("running", "degraded"):
        assert time.monotonic() < deadline, f"systemd does not boot here: {state}"
        time.sleep(0.2)


def _state(container: Container) -> str:
    return sh(container, "systemctl is-system-running || true").strip()
