"""Programs that run another one: some by exec, so that they are gone; some stay above it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gunwale.project.facts import Unknown

if TYPE_CHECKING:
    from gunwale.project.follow import Call, Path
    from gunwale.project.start import Outcome

# Each: words to leave out after the name, options that take a value, whether it stays, whether it then
# passes signals on.
_GONE = {
    "exec": (0, ("-a",)),
    "env": (0, ("-u", "-C", "--unset", "--chdir", "-S")),
    "nice": (0, ("-n",)),
    "stdbuf": (0, ("-i", "-o", "-e")),
    "gosu": (1, ()),
    "su-exec": (1, ()),
    "setpriv": (0, ("--reuid", "--regid")),
    "chpst": (0, ("-u", "-e")),
    "envdir": (1, ()),
    "opentelemetry-instrument": (0, ()),
    "ddtrace-run": (0, ()),
    "newrelic-admin": (1, ()),
    "catatonit": (0, ()),
    "poetry": (1, ()),
    "pipenv": (1, ()),
    "setarch": (0, ()),
}
_STAYING = {
    "tini": (0, ("-e", "-p"), True),
    "dumb-init": (0, ("--rewrite", "-r"), True),
    "docker-init": (0, ("-e", "-p"), True),
    "uv": (
        1,
        ("--with", "--extra", "--group", "--directory", "--project", "--python", "-p", "--env-file"),
        True,
    ),
    "doppler": (1, ("-c", "-p", "--config", "--project"), True),
    "chamber": (2, (), True),
    "timeout": (1, ("-s", "-k", "--signal", "--kill-after"), True),
    "time": (0, (), False),
    "sudo": (0, ("-u", "-g", "--user", "--group"), True),
}
NAMES = (*_GONE, *_STAYING)
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


def follow(call: Call, path: Path) -> Outcome:
    """Follow what the wrapper runs."""
    name = call.program
    skipped, with_value = _GONE.get(name) or _STAYING[name][:2]
    words = list(call.words[1:])
    environ = dict(call.environ)
    while words:
        text = words[0].value
        if text == "--":
            words.pop(0)
            if skipped <= 0:
                break
        elif text.startswith("-") and len(text) > 1:
            words.pop(0)
            if text in with_value and words:
                words.pop(0)
        elif _ASSIGNMENT.match(text):
            key, _, value = text.partition("=")
            environ[key] = type(words[0])(value, words[0].at)
            words.pop(0)
        elif skipped > 0:
            words.pop(0)
            skipped -= 1
        else:
            break
    if not words:
        return Unknown(f"{name} is given nothing to run")
    if name in _STAYING:
        path.stays(name, call.at, passes_signals=_STAYING[name][2])
    return path.follow(call.with_words(tuple(words), environ=environ))
