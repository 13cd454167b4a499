"""Becoming another user before anything is served: ``--user NAME``."""

from __future__ import annotations

import os
import pwd
import sys
from typing import TYPE_CHECKING

from gunwale.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from collections.abc import MutableMapping


def become(name: str, where: str, environ: MutableMapping[str, str]) -> None:
    """Be the user *name* (or its number) for good, with its groups and its HOME.

    ConfigurationError when there is none, when only root could, or when it cannot run this interpreter;
    nothing happens where this is that user already. *where* is the place of the name.
    """
    try:
        entry = pwd.getpwuid(int(name)) if name.isdigit() else pwd.getpwnam(name)
    except KeyError:
        hint = "getent passwd lists them; useradd --system makes one"
        raise ConfigurationError(
            Problem(where=f"{where} {name}", message="there is no such user", hint=hint)
        ) from None
    if entry.pw_uid == os.geteuid():
        return
    if os.geteuid() != 0:
        message = f"only root can become another user, and this is uid {os.geteuid()}"
        hint = "start it as that user, or take it out"
        raise ConfigurationError(Problem(where=f"{where} {name}", message=message, hint=hint))
    os.initgroups(entry.pw_name, entry.pw_gid)
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    environ["HOME"] = entry.pw_dir
    # Some programs ask these before they ask the kernel.
    environ["USER"] = environ["LOGNAME"] = entry.pw_name
    if not os.access(sys.executable, os.X_OK):
        message = f"cannot run {sys.executable}"
        hint = "install gunwale where that user may read it"
        raise ConfigurationError(Problem(where=f"{where} {name}", message=message, hint=hint))
