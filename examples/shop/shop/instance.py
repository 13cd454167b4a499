"""What the shop keeps beside its code when nothing is configured: a key and a database."""

import contextlib
import os
import secrets
import tempfile
from pathlib import Path

from flask import Flask


def complete(app: Flask) -> None:
    """Fill in SECRET_KEY and SQLALCHEMY_DATABASE_URI where the configuration left them out."""
    if app.config["SECRET_KEY"] and "SQLALCHEMY_DATABASE_URI" in app.config:
        return
    folder = _writable_folder(Path(app.config.get("INSTANCE_PATH") or app.instance_path))
    app.instance_path = str(folder)
    app.config["SECRET_KEY"] = app.config["SECRET_KEY"] or _read_or_create_key(folder / "secret.key")
    app.config.setdefault("SQLALCHEMY_DATABASE_URI", f"sqlite:///{folder / 'shop.sqlite'}")


def _writable_folder(wanted: Path) -> Path:
    """*wanted*, or on a read-only root a folder of ours that every worker of this user finds again."""
    with contextlib.suppress(OSError):
        wanted.mkdir(parents=True, exist_ok=True)
    if os.access(wanted, os.W_OK | os.X_OK):
        return wanted
    folder = Path(tempfile.gettempdir(), f"shop-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    # The name can be guessed: another user may have made the folder first, to read the key or choose it.
    status = folder.lstat()
    if status.st_uid != os.getuid() or status.st_mode & 0o077 or folder.is_symlink():
        raise PermissionError(f"{folder}: should be a folder of this user alone; set FLASK_INSTANCE_PATH")
    return folder


def _read_or_create_key(path: Path) -> str:
    """The same key for all, however many workers ask at once on an empty folder."""
    with contextlib.suppress(FileNotFoundError):
        return path.read_text("ascii")
    descriptor, name = tempfile.mkstemp(dir=path.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32))
        # A link appears whole or not at all, and loses to the one that came first.
        with contextlib.suppress(FileExistsError):
            Path(path).hardlink_to(name)
    finally:
        Path(name).unlink()
    return path.read_text("ascii")
