"""Gunicorn's command line, as far as the plan needs it: its settings, and which options take a value."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence

# Gunicorn's names of the settings that the plan has too.
SETTINGS = {
    "bind": "serve.bind",
    "workers": "serve.workers",
    "worker_class": "serve.worker_class",
    "threads": "serve.threads",
    "timeout": "serve.request_timeout",
    "graceful_timeout": "serve.drain_timeout",
    "keepalive": "serve.keepalive",
    "loglevel": "serve.log_level",
    "max_requests": "serve.max_requests",
    "max_requests_jitter": "serve.max_requests_jitter",
    "preload_app": "serve.preload",
    "backlog": "serve.backlog",
    "wsgi_app": "app",
    "proc_name": "name",
}
_OPTIONS = {
    "workers": ("-w", "--workers"),
    "worker_class": ("-k", "--worker-class"),
    "threads": ("--threads",),
    "timeout": ("-t", "--timeout"),
    "graceful_timeout": ("--graceful-timeout",),
    "keepalive": ("--keep-alive",),
    "loglevel": ("--log-level",),
    "max_requests": ("--max-requests",),
    "max_requests_jitter": ("--max-requests-jitter",),
    "backlog": ("--backlog",),
    "proc_name": ("-n", "--name"),
    "config": ("-c", "--config"),
}
# Gunicorn 27.0.1: read only to tell an option's value from the application's name.
_TAKE_NO_VALUE = (  # noqa: SIM905 - reads better than forty quoted words
    "--reload --spew --check-config --print-config --no-sendfile --reuse-port -D --daemon --initgroups "
    "--disable-redirect-access-to-syslog --capture-output --log-syslog -R --enable-stdio-inheritance "
    "--enable-backlog-metric --suppress-ragged-eofs --do-handshake-on-connect --permit-obsolete-folding "
    "--strip-header-spaces --permit-unconventional-http-method --permit-unconventional-http-version "
    "--casefold-http-method --no-control-socket"
).split()
_TAKE_A_VALUE = (  # noqa: SIM905 - as above
    "--worker-connections --limit-request-line --limit-request-fields --limit-request-field_size "
    "--reload-engine --reload-extra-file --chdir -e --env -p --pid --worker-tmp-dir -u --user -g --group "
    "-m --umask --forwarded-allow-ips --access-logfile --access-logformat --error-logfile --log-file "
    "--logger-class --log-config --log-config-json --log-syslog-to --log-syslog-prefix "
    "--log-syslog-facility --statsd-host --dogstatsd-tags --statsd-prefix --pythonpath --paste --paster "
    "--proxy-allow-from --protocol --uwsgi-allow-from --keyfile --certfile --ssl-version --cert-reqs "
    "--ca-certs --ciphers --http-protocols --http2-cleartext --http2-max-concurrent-streams "
    "--http2-initial-window-size --http2-max-frame-size --http2-max-header-list-size --paste-global "
    "--forwarder-headers --header-map --asgi-loop --asgi-lifespan --asgi-disconnect-grace-period "
    "--websocket-max-message-size --http-parser --root-path --dirty-app --dirty-workers --dirty-timeout "
    "--dirty-threads --dirty-graceful-timeout --control-socket --control-socket-mode"
).split()

# The names of settings that their options do not tell.
_NAMES = {
    "-D": "daemon",
    "-e": "raw_env",
    "--env": "raw_env",
    "-g": "group",
    "-m": "umask",
    "-p": "pidfile",
    "--pid": "pidfile",
    "-u": "user",
    "--access-logfile": "accesslog",
    "--access-logformat": "access_log_format",
    "--dirty-app": "dirty_apps",
    "--log-config": "logconfig",
    "--log-config-json": "logconfig_json",
    "--log-syslog": "syslog",
    "--no-control-socket": "control_socket_disable",
    "--paster": "paste",
}
_LONGEST = {name: flag for flag, name in _NAMES.items() if flag.startswith("--") and flag != "--paster"}
_LISTS = {"raw_env", "dirty_apps"}


class OptionsError(ValueError):
    """Words that Gunicorn's command line would refuse."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise OptionsError(message)


def parse(words: Sequence[str]) -> dict[str, Any]:
    """Read Gunicorn's command-line *words* as settings by Gunicorn's names; OptionsError if it cannot.

    "config" is among them where -c is given; unknown options are left out.
    """
    return vars(_parser().parse_known_args(list(words))[0]) if words else {}


def unknown(words: Sequence[str]) -> list[str]:
    """Return the options of *words* that Gunicorn does not have; OptionsError if it would refuse the rest."""
    return [word for word in _parser().parse_known_args(list(words))[1] if word.startswith("-")]


def _parser() -> _Parser:
    parser = _Parser(prog="gunicorn", add_help=False, argument_default=argparse.SUPPRESS)
    parser.add_argument("-b", "--bind", action="append", dest="bind")
    parser.add_argument("--preload", action="store_true", dest="preload_app")
    for name, flags in _OPTIONS.items():
        parser.add_argument(*flags, dest=name)
    parser.add_argument("--proxy-protocol", nargs="?", const="auto", dest="proxy_protocol")
    for flag in _TAKE_NO_VALUE:
        parser.add_argument(flag, action="store_true", dest=_name(flag))
    for flag in _TAKE_A_VALUE:
        name = _name(flag)
        parser.add_argument(flag, action="append" if name in _LISTS else "store", dest=name)
    parser.add_argument("wsgi_app", nargs="?")
    return parser


def _name(flag: str) -> str:
    return _NAMES.get(flag, flag.lstrip("-").replace("-", "_"))


def known_options() -> frozenset[str]:
    """Return every option that is told from an application's name, whether the plan reads it or not."""
    return frozenset(_parser()._option_string_actions)  # noqa: SLF001 - argparse has no public list


def option_of(name: str) -> str:
    """Return the long option of Gunicorn's setting *name*."""
    special = {"bind": "--bind", "preload_app": "--preload", "wsgi_app": "APP", **_LONGEST}
    return special.get(name, _OPTIONS.get(name, (f"--{name.replace('_', '-')}",))[-1])
