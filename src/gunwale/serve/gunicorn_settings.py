"""Gunicorn's settings that serve owns or cannot honour, wherever the user wrote them."""

from __future__ import annotations

import grp
import json
import os
import pwd
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from gunwale.errors import ConfigurationError, Problem
from gunwale.plan import gunicorn_config, gunicorn_options
from gunwale.plan.symbolic import Unknown
from gunwale.serve.own_command import Own

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from gunwale.plan.gunicorn_config import Other


class Refused(NamedTuple):
    """Why a setting cannot be honoured, what to do, and with which values it asks for nothing."""

    why: str
    hint: str
    harmless: tuple[object, ...] = (None, False, "", 0, "0")


_TLS = Refused("serve speaks no TLS", "let the proxy in front end TLS, and take it out")
_DIRTY = Refused("serve drains and reloads no dirty workers", "run such work in a queue of its own")
_PRINTS = Refused("prints the configuration and serves nothing", "run gunicorn itself for that")
REFUSED = {
    "reload": Refused(
        "restarts workers in the middle of their requests, for development",
        "take it out; gunwale reload brings a new version without losing one",
    ),
    "reuse_port": Refused(
        "would let any process of this user share the port", "take it out: gunwale reload needs no second one"
    ),
    "certfile": _TLS,
    "keyfile": _TLS,
    "paste": Refused(
        "a Paste file chooses application and server itself",
        "name the application: gunicorn 'module:factory()'",
        (None, ""),
    ),
    "spew": Refused("prints every line that runs", "take it out"),
    "check_config": _PRINTS,
    "print_config": _PRINTS,
    "protocol": Refused("serve speaks HTTP only", "let the proxy speak HTTP to it", (None, "", "http")),
    "http_protocols": Refused(
        "serve speaks HTTP/1.1 only", "let the proxy speak HTTP/2 to the clients", (None, "", "h1", ["h1"])
    ),
    "http2_cleartext": Refused("serve speaks HTTP/1.1 only", "take it out", (None, "", "off", False)),
    "proxy_protocol": Refused(
        "serve's own probe and its list of proxies know no PROXY line",
        "send X-Forwarded-For or Forwarded, and declare proxies.chain",
        (None, "", "off", False),
    ),
    "dirty_apps": _DIRTY,
    "dirty_workers": _DIRTY,
}

INSTEAD: Mapping[str, str] = {
    "accesslog": "serve writes the access log itself, on stdout (serve.access_log)",
    "access_log_format": "serve's access log has a form of its own (serve.access_log)",
    "daemon": "serve stays in the foreground",
    "control_socket": "gunwale reload and gunwale status are asked instead",
    "pidfile": "serve's own process id is written there, and the file removed at its end",
    "forwarder_headers": "only the layers of proxies.chain are believed",
    "initgroups": "serve runs with its user's groups",
    "pre_exec": "it is never called: SIGUSR2 starts no second master here",
    "on_reload": "it is never called: a reload starts a new master, with on_starting",
}
_HOOKS = ("pre_exec", "on_reload")
_PATIENCE = 60
_OFF = (None, False, "")


def own(words: Sequence[str], environ: Mapping[str, str], directory: Path, *, is_command: bool) -> Own:
    """Read what a ``gunicorn`` command of *words* would find, with its variable and its file."""
    found = gunicorn_config.read(directory, environ, words, is_planned=not is_command)
    unreadable = list(_unreadable(words)) if is_command else []
    asked = None
    if not unreadable and not _is_told(found):
        asked = ask(words, environ, directory)
        found = gunicorn_config.read(directory, environ, words, asked, is_planned=not is_command)
    # After "--" argparse takes every word for an application, and ours come last.
    result = Own(words=tuple(word for word in words if word != "--") if is_command else None)
    result.asked = asked
    result.refused += unreadable
    if is_command:
        result.said += _binds(found)
    settings = {name: each for name, each in found.others.items() if each.value not in _OFF}
    for name, setting in settings.items():
        if name in REFUSED and setting.value not in REFUSED[name].harmless:
            result.refused.append(_refusal(setting, *REFUSED[name][:2]))
        elif name in INSTEAD:
            result.said.append(f"{setting.place}{_shown(setting)}: {INSTEAD[name]}")
    result.refused += _whom(settings, result)
    pid_file = settings.get("pidfile")
    if pid_file and isinstance(pid_file.value, str):
        result.pid_file = pid_file.value
    raw = settings.get("raw_env")
    if raw and isinstance(raw.value, list):
        result.environ = dict(str(each).partition("=")[::2] for each in raw.value)
    result.keeps = tuple(name for name in ("worker_tmp_dir",) if name in settings)
    return result


def _is_told(found: gunicorn_config.GunicornSettings) -> bool:
    ours = {*REFUSED, *INSTEAD, "user", "group", "worker_tmp_dir"} - set(_HOOKS)
    unknown = {name for name, each in found.others.items() if isinstance(each.value, Unknown)}
    return not (found.unknown or found.notes or ours & unknown)


def ask(words: Sequence[str], environ: Mapping[str, str], directory: Path) -> dict[str, Any]:
    """Have Gunicorn read its configuration, which runs it; ConfigurationError where it refuses it."""
    read_end, write_end = os.pipe()
    with os.fdopen(read_end) as answer:
        try:
            argv = [sys.executable, "-P", "-m", "gunwale.runtime.gunicorn_ask", str(write_end), *words]
            done = subprocess.run(
                argv,
                cwd=directory,
                env=dict(environ),
                pass_fds=[write_end],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            message = f"Gunicorn has not read its configuration within {_PATIENCE} s"
            raise ConfigurationError(Problem(where="gunicorn", message=message)) from error
        finally:
            os.close(write_end)
        text = answer.read()
    if done.returncode or not text:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
        message = f"Gunicorn cannot read its configuration: {lines[-1]}"
        raise ConfigurationError(
            Problem(where="gunicorn", message=message, hint="run gunicorn --check-config")
        )
    found: dict[str, Any] = json.loads(text)
    return found


def _binds(found: gunicorn_config.GunicornSettings) -> Iterator[str]:
    for each in found.candidates:
        if each.key == "serve.bind" and "fd://" not in _listed(each.value):
            yield f"{each.origin.place} {_listed(each.value)}: serve binds it, and hands Gunicorn sockets"
            return


def _unreadable(words: Sequence[str]) -> Iterator[Problem]:
    try:
        unknown = gunicorn_options.unknown(words)
    except gunicorn_options.OptionsError as error:
        yield Problem(where="-- gunicorn", message=f"Gunicorn would refuse this: {error}")
        return
    for word in unknown:
        yield Problem(
            where=f"-- gunicorn {word}",
            message="Gunicorn has no such option",
            hint="gunicorn --help lists them; gunwale's own go before the --",
        )


def _refusal(setting: Other, why: str, hint: str) -> Problem:
    return Problem(where=setting.place, message=f"cannot be honoured: {why}", hint=hint)


def _shown(setting: Other) -> str:
    # A module's functions and what only running it would tell are named, not shown.
    is_plain = isinstance(setting.value, str | list) and not isinstance(setting.value, Unknown)
    return f" {_listed(setting.value)}" if is_plain else ""


def _listed(value: object) -> str:
    return ", ".join(str(each) for each in value) if isinstance(value, list | tuple) else str(value)


def _whom(settings: Mapping[str, Other], result: Own) -> Iterator[Problem]:
    """Take the user over; a group that is not the user's own cannot be had."""
    user, group = settings.get("user"), settings.get("group")
    if user:
        if isinstance(user.value, Unknown):
            hint = "give it to serve: gunwale serve --user NAME -- …"
            yield _refusal(user, "only running the file would tell whom it names", hint)
            return
        result.user, result.user_place = str(user.value), user.place
        result.said.append(f"{user.place} {user.value}: all of serve runs as that user")
    if group:
        yield from _group(group, str(user.value) if user else "")


def _group(group: Other, user: str) -> Iterator[Problem]:
    given = str(group.value)
    try:
        wanted = int(given) if given.isdigit() else grp.getgrnam(given).gr_gid
        has = (pwd.getpwuid(int(user)) if user.isdigit() else pwd.getpwnam(user)).pw_gid if user else None
    except KeyError:
        yield _refusal(
            group, f"no such group or user: {given!r}, {user!r}", "see getent group and getent passwd"
        )
        return
    if wanted not in {has, os.getegid()}:
        why = f"serve runs with its user's own group, not {given!r}"
        yield _refusal(group, why, f"usermod -g {given} {user or 'USER'}, or take it out")
