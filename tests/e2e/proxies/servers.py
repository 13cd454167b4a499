"""What stands behind the proxies: the echo under a bare server, with ProxyFix around it, or under gunwale."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Server: TypeAlias = Callable[[int, Path], list[str]]

ECHO = Path(__file__).with_name("echo.py")
_THREADS = ("--worker-class", "gthread", "--threads", "4")
_UWSGI = Path(sysconfig.get_path("scripts")) / "uwsgi"


def gunicorn(port: int, folder: Path) -> list[str]:
    """Run the echo as gunwale serves with Gunicorn: the server itself believes no field."""
    settings = folder / "gunicorn.conf.py"
    settings.write_text('forwarder_headers = ""\nsecure_scheme_headers = {}\n')
    options = ("-c", str(settings), *_THREADS, "--bind", f"127.0.0.1:{port}", "--chdir", str(ECHO.parent))
    return [sys.executable, "-m", "gunicorn", *options, "echo"]


def waitress(port: int, folder: Path) -> list[str]:
    return [sys.executable, str(ECHO), str(port)]


def bare(middleware: str = "", server: str = "gunicorn") -> Server:
    """Run the echo under a server as it comes, in *middleware*: "ProxyFix(x_for=2)"."""

    def start(port: int, folder: Path) -> list[str]:
        name, _, arguments = middleware.partition("(")
        wrapped = f"application = {name}(application, {arguments}\n" if middleware else ""
        (folder / "naive.py").write_text(
            f"import sys\nsys.path.insert(0, {str(ECHO.parent)!r})\n"
            "from werkzeug.middleware.proxy_fix import ProxyFix\nfrom gunwale import Forwarded\n"
            f"from echo import application\n{wrapped}"
        )
        if server == "uwsgi":
            if shutil.which(_UWSGI) is None:
                pytest.skip("needs uwsgi: make proxies")
            words = ["--http-socket", f"127.0.0.1:{port}", "--wsgi-file", str(folder / "naive.py")]
            words += ["--home", sys.prefix, "--die-on-term", "--need-app", "--threads", "4"]
            return [str(_UWSGI), *words]
        options = (*_THREADS, "--bind", f"127.0.0.1:{port}", "--chdir", str(folder))
        return [sys.executable, "-m", "gunicorn", *options, "naive"]

    return start


def gunwale(chain: str, server: str = "gunicorn") -> Server:
    """Run the echo under ``gunwale serve`` with the declared *chain*."""

    def start(port: int, folder: Path) -> list[str]:
        shutil.copy(ECHO, folder / ECHO.name)
        words = ["serve", "echo:application", "--server", server, "--bind", f"127.0.0.1:{port}"]
        words += ["--admin-bind", "off", "--workers", "1", "--set", f"proxies.chain={chain}"]
        words += _THREADS if server == "gunicorn" else []
        words += ["--allow-root"] if os.geteuid() == 0 else []
        return [sys.executable, "-m", "gunwale", *words]

    return start
