"""Every error a user can cause, with the exit status it ends the process with.

GunwaleError
├── ConfigurationError   exit 2: usage, configuration, root, addresses, modules
└── StartError           exit 3: could not start or reach something
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong: *where* it stands, *message* (what), *hint* (what to do).

    *message* is one line and names the value; it never holds a secret's value.
    """

    where: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}"
        return f"{text}\n  hint: {self.hint}" if self.hint else text


class GunwaleError(Exception):
    """A user's mistake or a failure of the surroundings, told without a traceback."""

    exit_code: ClassVar[int] = 1

    def __init__(self, problems: Problem | Sequence[Problem]) -> None:
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ConfigurationError(GunwaleError):
    """Usage, configuration, root, addresses or modules: nothing was started."""

    exit_code: ClassVar[int] = 2


class StartError(GunwaleError):
    """Something could not be started or reached."""

    exit_code: ClassVar[int] = 3
