"""What the name of a base image tells: whose it is, which version, how large, until when it is maintained."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LIBRARY = re.compile(r"(?:[\w.:-]+/)?(?:docker/)?library/|docker\.io/")
_SMALL = re.compile(r"slim|alpine|distroless|nanoserver|windowsservercore")
# Full images: Debian's buildpack-deps below them, or a whole distribution.
_FULL = frozenset(["python", "pypy", "node", "buildpack-deps", "ubuntu", "debian", "continuumio/anaconda3"])
_FULL_NAMES = re.compile(r"tiangolo/(?:uwsgi-nginx|meinheld-gunicorn|uvicorn-gunicorn)(?:-\w+)?")
_VERSION = re.compile(r"\d+\.\d+")
# The last day of security support: devguide.python.org/versions, endoflife.date (LTS where free), 2026-11-22.
_PYTHON = {
    "2.7": "2020-01-01",
    "3.5": "2020-09-30",
    "3.6": "2021-12-23",
    "3.7": "2023-06-27",
    "3.8": "2024-10-07",
    "3.9": "2025-10-31",
    "3.10": "2026-10-31",
    "3.11": "2027-10-31",
    "3.12": "2028-10-31",
}
_CODENAMES = {
    "jessie": "2020-06-30",
    "stretch": "2022-06-30",
    "buster": "2024-06-30",
    "bullseye": "2026-08-31",
    "bookworm": "2028-06-30",
}
_DEBIAN = {"8": "jessie", "9": "stretch", "10": "buster", "11": "bullseye", "12": "bookworm"}
_UBUNTU = {
    "14.04": "2019-04-25",
    "16.04": "2021-04-30",
    "18.04": "2023-05-31",
    "20.04": "2025-05-31",
    "22.04": "2027-04-30",
}
_ALPINE = {
    "3.16": "2024-05-23",
    "3.17": "2024-11-22",
    "3.18": "2025-05-09",
    "3.19": "2025-11-01",
    "3.20": "2026-04-01",
}


@dataclass(frozen=True, slots=True)
class Reference:
    """A name of an image: *name* without registry and ``library/``, its *tag*, its *digest*."""

    name: str
    tag: str = ""
    digest: str = ""

    @classmethod
    def of(cls, text: str) -> Reference:
        """Take the name apart as Docker does."""
        rest, _, digest = text.partition("@")
        head, slash, last = rest.rpartition("/")
        last, _, tag = last.partition(":")
        return cls(_LIBRARY.sub("", f"{head}{slash}{last}", count=1), tag, digest)

    @property
    def is_known(self) -> bool:
        """Whether all of it is written out."""
        return "$" not in self.name + self.tag

    @property
    def is_fat(self) -> bool:
        """Whether it is known to be a full image."""
        if not self.is_known or _SMALL.search(self.tag):
            return False
        if self.name == "nvidia/cuda":
            return "devel" in self.tag
        if self.name.endswith("astral-sh/uv"):
            return self.tag.startswith("python") or self.tag in ("debian", "bookworm", "trixie")
        return self.name in _FULL or _FULL_NAMES.fullmatch(self.name) is not None

    @property
    def is_floating(self) -> bool:
        """Whether its tag follows every release."""
        if self.digest or not self.is_known or self.name == "scratch":
            return False
        if self.tag in ("", "latest"):
            return True
        return self.name in ("python", "pypy") and re.match(r"\d+\.\d", self.tag) is None

    @property
    def ends(self) -> list[tuple[str, str]]:
        """Return what in it is known to end, with the last day (ISO) of its security fixes."""
        found = []
        if self.name == "python" and (version := _VERSION.match(self.tag)) and version[0] in _PYTHON:
            found.append((f"Python {version[0]}", _PYTHON[version[0]]))
        if self.name == "ubuntu" and (version := _VERSION.match(self.tag)) and version[0] in _UBUNTU:
            found.append((f"Ubuntu {version[0]}", _UBUNTU[version[0]]))
        alpine = re.search(r"alpine(\d\.\d+)", self.tag) or (
            re.match(r"(\d\.\d+)", self.tag) if self.name == "alpine" else None
        )
        if alpine and alpine[1] in _ALPINE:
            found.append((f"Alpine {alpine[1]}", _ALPINE[alpine[1]]))
        number = re.match(r"\d+", self.tag) if self.name == "debian" else None
        codename = _DEBIAN.get(number[0], "") if number else ""
        for each, ended in _CODENAMES.items():
            if each in (codename, *re.split(r"[-.]", self.tag)):
                found.append((f"Debian {each}", ended))
        return found
