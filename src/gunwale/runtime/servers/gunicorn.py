"""Gunicorn's half inside its own processes: its application class, with our sockets, hooks and wrapper.

Run as ``python -m gunwale.runtime.servers.gunicorn WORDS…``, with the words of the ``gunicorn`` command.
The user's configuration file and hooks are Gunicorn's own business and stay; what serve owns is set last.
"""

from __future__ import annotations

import gc
import inspect
import os
import signal
import socket
import sys
import time
from typing import TYPE_CHECKING, Any

from gunwale.runtime import server_log, worker_exit
from gunwale.runtime.application import not_found
from gunwale.runtime.boot_log import keep_words
from gunwale.runtime.gunicorn_greenlets import Greenlets
from gunwale.runtime.gunicorn_master import Policies
from gunwale.runtime.gunicorn_room import Room, most_connections
from gunwale.runtime.gunicorn_silent import Silent
from gunwale.runtime.gunicorn_threads import Threads
from gunwale.runtime.gunicorn_worker import watch
from gunwale.runtime.lifeline import hold
from gunwale.runtime.linger import Closer
from gunwale.runtime.settings import Settings
from gunwale.runtime.supervised import Supervised, leave_systemd_to_the_supervisor
from gunwale.runtime.wsgi import wrap

# Gunicorn reads this name as a number while it is imported, and "auto" would be a traceback.
_web_concurrency = os.environ.pop("WEB_CONCURRENCY", None)
from gunicorn import sock as gunicorn_sock  # noqa: E402 - after the line above
from gunicorn import util  # noqa: E402 - as above
from gunicorn.app.base import BaseApplication  # noqa: E402 - as above
from gunicorn.app.wsgiapp import WSGIApplication  # noqa: E402 - as above
from gunicorn.arbiter import Arbiter  # noqa: E402 - as above
from gunicorn.errors import AppImportError  # noqa: E402 - as above
from gunicorn.http import wsgi  # noqa: E402 - as above

from gunwale.runtime.gunicorn_once import Errors, KeptConfig, once_a_second  # noqa: E402 - as above

if _web_concurrency is not None:
    os.environ["WEB_CONCURRENCY"] = _web_concurrency

if TYPE_CHECKING:
    from collections.abc import Callable

    from gunicorn.config import Config
    from gunicorn.http.message import Request
    from gunicorn.workers.base import Worker


def listeners(supervised: Supervised, conf: Config, log: object) -> list[Any]:
    """Wrap the inherited sockets as Gunicorn's, without its listen(): the supervisor opens the door."""
    found = []
    for fd in supervised.listeners:
        with socket.socket(fileno=os.dup(fd)) as probe:
            family, name = probe.family, probe.getsockname()
        base = {
            socket.AF_UNIX: gunicorn_sock.UnixSocket,
            socket.AF_INET: gunicorn_sock.TCPSocket,
            socket.AF_INET6: gunicorn_sock.TCP6Socket,
        }[family]
        kind = type(base.__name__, (base,), {"_is_listening": staticmethod(lambda _sock: True)})
        found.append(kind(name, conf, log, fd=fd))
    return found


class SupervisedArbiter(Policies, Arbiter):
    """Gunicorn's master, on our sockets, with the scoreboard's number of workers."""

    def __init__(self, app: GunwaleApplication) -> None:
        self.supervised = app.supervised
        super().__init__(app)
        self.LISTENERS = listeners(self.supervised, self.cfg, self.log)
        self.systemd = True  # keeps stop() from removing a Unix socket's path, which is the door's
        self.begin_policies()

    def init_signals(self) -> None:
        """Hear SIGUSR1 from now on, also one that came before."""
        super().init_signals()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1])

    def handle_ttin(self) -> None:
        """Look at the scoreboard again; the run loop does it after each signal."""

    handle_ttou = handle_ttin

    def handle_hup(self) -> None:
        """Refuse: Gunicorn's own reload takes the site down with a broken version."""
        self.log.warning("SIGHUP is for gunwale's own process (pid %s), not for Gunicorn's", os.getppid())

    def handle_usr2(self) -> None:
        """Refuse: a second master would leave the supervisor's hands."""
        self.log.warning("SIGUSR2 is not available under gunwale")


class RunsSupervised(BaseApplication):
    """Between Gunicorn's Application and its base: the last step of run() starts our master."""

    supervised: Supervised

    def run(self) -> None:
        """Run the master."""
        SupervisedArbiter(self).run()


class GunwaleApplication(WSGIApplication, RunsSupervised):
    """The ``gunicorn`` command's application, supervised."""

    app_uri: str | None

    def __init__(self, supervised: Supervised) -> None:
        self.supervised = supervised
        super().__init__("%(prog)s [OPTIONS] [APP_MODULE]", prog="gunicorn")

    def load_default_config(self) -> None:
        """Begin with Gunicorn's defaults."""
        self.cfg = KeptConfig(self.usage, prog=self.prog)

    def init(self, parser: Any, opts: Any, args: Any) -> None:
        """Read Gunicorn's own words; the plan knows which application stands, unless only Gunicorn does."""
        super().init(parser, opts, args)
        self.app_uri = self.supervised.plan["app"] or self.app_uri

    def load_config(self) -> None:
        """Load everything as Gunicorn does, then set what serve owns."""
        super().load_config()
        cfg = self.cfg
        for name, value in {
            "bind": [f"fd://{fd}" for fd in self.supervised.listeners],
            "accesslog": None,
            "daemon": False,
            "pidfile": None,  # serve's own process id is in it
            "user": os.geteuid(),
            "group": os.getegid(),
            "initgroups": False,
            "reuse_port": False,
            "control_socket_disable": True,
            # Only what wsgi.multiprocess is derived from: how many there are is the supervisor's to say.
            "workers": 1 if self.supervised.plan["serve.workers"] == 1 else 2,
            "forwarder_headers": "",
        }.items():
            if name in cfg.settings:
                cfg.set(name, value)
        if "serve.preload" not in self.supervised.plan.get("serve.left_to_server", ()):
            cfg.set("preload_app", self.supervised.plan["serve.preload"])
        declared = self.supervised.plan["proxies.hops"] is not None
        if declared and "header_map" in cfg.settings and cfg.header_map == "dangerous":
            cfg.set("header_map", "drop")  # it would merge X_Forwarded_For into X-Forwarded-For
        if not is_set(cfg, "secure_scheme_headers"):
            cfg.set("secure_scheme_headers", {} if declared else {"X-FORWARDED-PROTO": "https"})
        self._fit_connections()
        hooks = Hooks(self.supervised)
        for name in hooks.NAMES:
            theirs = getattr(cfg, name)
            # Gunicorn's own pre_request writes a debug line: no reason for a call on every request.
            is_silent = theirs is cfg.settings[name].default and cfg.loglevel.lower() != "debug"
            ours = getattr(hooks, name)
            cfg.set(name, ours if is_silent else both(ours, theirs))

    def _fit_connections(self) -> None:
        wanted = self.cfg.worker_connections
        most = most_connections(wanted, self.cfg.threads, len(self.supervised.listeners))
        if most < wanted:
            server_log.say(
                "gunicorn", f"the descriptor limit holds {most} connections a worker, not {wanted}"
            )
            self.cfg.set("worker_connections", most)

    def load(self) -> object:
        """Load the application and wrap it."""
        try:
            application = super().load()
        except ModuleNotFoundError as error:
            if told := not_found(str(self.app_uri), error):
                raise AppImportError(told) from error  # told without a traceback
            raise
        return wrap(application, Settings.from_plan(self.supervised.plan))


def is_set(cfg: Config, name: str) -> bool:
    """Whether the user has set *name* to something of their own."""
    setting = cfg.settings[name]
    return bool(setting.get() != type(setting)().get())


class Hooks:
    """Our hooks, by Gunicorn's names; the user's own are called after each."""

    NAMES = ("pre_fork", "post_fork", "post_worker_init", "pre_request", "worker_exit")

    def __init__(self, supervised: Supervised) -> None:
        self._supervised = supervised
        self._closer = Closer()
        self._at_exit: Callable[[], object] | None = None
        self._worker = 0

    def pre_fork(self, _arbiter: SupervisedArbiter, worker: Worker) -> None:
        """Leave what a preloaded application brought in shared: no collection writes to it."""
        if worker.cfg.preload_app and worker.age == 1:
            gc.collect()
            gc.freeze()

    def post_fork(self, arbiter: SupervisedArbiter, worker: Worker) -> None:
        """Claim a slot; before gevent patches threads, since these must not depend on its loop."""
        supervised = self._supervised
        supervised.slot = supervised.board.claim(supervised.generation)
        hold(supervised.lifeline)
        self._retirement = watch(supervised, arbiter, worker)
        if hasattr(util, "close_graceful"):  # Gunicorn ≥ 26
            util.close_graceful = self._closer.close

    def post_worker_init(self, worker: Worker) -> None:
        """Say that the application is loaded, and wait for the door."""
        log_rejections(worker)
        worker.cfg.keep()
        util.http_date = once_a_second(util.http_date)
        errors = Errors(worker.cfg)
        wsgi.WSGIErrorsWrapper = lambda _cfg: errors
        supervised = self._supervised
        assert supervised.slot is not None
        self._at_exit = worker_exit.resolve(supervised.plan["serve.on_worker_exit"])
        self._worker = os.getpid()
        worker.wsgi.attach(supervised.slot)
        worker.wsgi.start_checks()
        self._room = self._room_of(worker)
        self._retirement.booted()
        supervised.slot.booted()
        supervised.wake()
        for listener in worker.sockets:
            while not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                worker.notify()
                time.sleep(0.002)

    def _room_of(self, worker: Worker) -> Room:
        if Threads.suits(worker):
            return Threads(worker, self._closer, self._retirement)
        if Greenlets.suits(worker):
            return Greenlets(worker, self._closer, self._retirement)
        if Silent.suits(worker):
            Silent(worker, self._supervised.plan["serve.request_timeout"], self._retirement, self._closer)
        return Room(worker)

    def pre_request(self, _worker: Worker, req: Request) -> None:
        """Close the connection after this request, from the lame duck on."""
        self._room.asks(req)
        if self._supervised.board.is_closing:
            req.force_close()

    def worker_exit(self, _arbiter: SupervisedArbiter, _worker: Worker) -> None:
        """Let the last connections close in peace, and the application finish."""
        self._closer.finish()
        if self._worker == os.getpid():  # Gunicorn calls it in the master for a worker that is gone
            worker_exit.call(self._at_exit)


def log_rejections(worker: Worker) -> None:
    """Have what Gunicorn's own parser refuses in the access log too."""
    write_error = util.write_error

    def write_and_log(sock: socket.socket, status: int, reason: str, message: str) -> None:
        peer = sock.getpeername()  # before the answer: who has read that is gone
        address = peer[0] if isinstance(peer, tuple) else ""
        try:
            write_error(sock, status, reason, message)
        finally:
            if status != 500:  # which is the application's exception, and logged by the wrapper
                worker.wsgi.reject(address, status, f"{reason} (by the server)")

    util.write_error = write_and_log


def both(ours: Callable[..., None], theirs: Callable[..., object]) -> Callable[..., None]:
    """Call our hook, then the user's; Gunicorn checks the number of arguments."""
    if len(inspect.signature(ours).parameters) == 1:

        def one(subject: object) -> None:
            ours(subject)
            theirs(subject)

        return one

    def two(subject: object, other: object) -> None:
        ours(subject, other)
        theirs(subject, other)

    return two


def main() -> None:
    """Run Gunicorn with this process's own arguments."""
    leave_systemd_to_the_supervisor()
    supervised = Supervised()
    keep_words(supervised.boot_log)
    hold(supervised.lifeline)
    sys.argv[0] = "gunicorn"
    GunwaleApplication(supervised).run()


if __name__ == "__main__":
    main()
