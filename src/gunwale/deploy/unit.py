"""The systemd unit of a site: it starts the keeper, and with it the site, also after a boot."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gunwale.deploy.keeper import TAKE_OVER

if TYPE_CHECKING:
    from gunwale.deploy.state import Paths, Site


def text(paths: Paths, site: Site, stop_timeout: float) -> str:
    """Write the unit; as root it is the machine's, else this user's (systemctl --user)."""
    is_root = os.geteuid() == 0
    port = site.caddy.listen.rpartition(":")[2]
    privileged = port.isdigit() and int(port) < 1024
    lines = [
        f"# gunwale up wrote this; put it to use by {how(paths, site)}",
        "[Unit]",
        f"Description={site.name}, kept by gunwale",
        "After=network-online.target",
        "Wants=network-online.target",
        "",
        "[Service]",
        f"ExecStart={sys.executable} -P -m gunwale.deploy.keeper {paths.root} {TAKE_OVER}",
        "# Without $MAINPID it has ended by itself: its tasks and Caddy serve on.",
        f"ExecStop={sys.executable} -P -m gunwale.deploy.halt {paths.root} $MAINPID",
        "KillMode=process",
        "# It ends with 0 when the site is brought down.",
        "Restart=on-failure",
        "RestartForceExitStatus=SIGTERM",
        "RestartSec=1",
        f"TimeoutStopSec={stop_timeout + 60:g}",
    ]
    if is_root and privileged:
        lines.append("AmbientCapabilities=CAP_NET_BIND_SERVICE")
    if is_root:
        lines.append(f"User={getpass.getuser()}")
    wanted = "multi-user.target" if is_root else "default.target"
    return "\n".join([*lines, "", "[Install]", f"WantedBy={wanted}", ""])


def write(paths: Paths, site: Site, stop_timeout: float) -> None:
    """Write the unit where it differs: systemd warns of one that changed on disk."""
    wanted, file = text(paths, site, stop_timeout), Path(path(paths, site))
    if not file.exists() or file.read_text() != wanted:
        file.write_text(wanted)


def path(paths: Paths, site: Site) -> str:
    """Return where the unit is written."""
    return str(paths.root / f"gunwale-{site.name}.service")


def how(paths: Paths, site: Site) -> str:
    """Return the command that puts the unit to use."""
    user = "" if os.geteuid() == 0 else "--user "
    return f"systemctl {user}enable --now {path(paths, site)}"
