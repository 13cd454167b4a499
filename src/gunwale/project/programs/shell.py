"""Shells: -c lines and scripts. What a script runs by exec replaces it; else the shell stays above it."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from gunwale.project.dispatch import run
from gunwale.project.facts import Given, Source, Unknown, UnreadableError
from gunwale.project.readers.shell_script import ShellScript
from gunwale.project.start import Kind, NotWeb, Server
from gunwale.project.syntax import shell

if TYPE_CHECKING:
    from gunwale.project.follow import Call, Path
    from gunwale.project.launch import Words
    from gunwale.project.start import Outcome

_ALL_ARGUMENTS = re.compile(r"\$(?:[@*]|\{[@*][^}]*\})")
_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)\}?")
_POSITION = re.compile(r"\$\{?([1-9])\b\}?")
NAMES = ("sh", "bash", "ash", "dash", "zsh", "ksh")
# What scripts do besides: none of them answers requests.
_NO_SERVER = frozenset(
    [
        "echo",
        "printf",
        "cd",
        "set",
        "export",
        "sleep",
        "chown",
        "chmod",
        "mkdir",
        "rm",
        "cp",
        "mv",
        "ln",
        "cat",
        "test",
        "[",
        "[[",
        "true",
        "false",
        ":",
        "wait",
        "source",
        ".",
        "trap",
        "read",
        "local",
        "return",
        "exit",
        "shift",
        "sed",
        "grep",
        "awk",
        "curl",
        "wget",
        "nc",
        "ping",
        "until",
        "while",
        "for",
        "if",
        "pip",
        "apt-get",
        "apk",
        "touch",
        "ls",
        "date",
        "id",
        "whoami",
        "unset",
        "ulimit",
        "umask",
        "eval",
        "let",
        "declare",
    ]
)


def follow(call: Call, path: Path) -> Outcome:
    """Follow a -c line, or a script file."""
    words = list(call.words[1:])
    while words and words[0].value.startswith(("-", "+")):
        flag = words.pop(0)
        if "c" in flag.value.lstrip("-") and not flag.value.startswith("--"):
            return _line(call, path, tuple(words))
        if flag.value in ("-o", "+o") and words:
            words.pop(0)
    if not words:
        return NotWeb(call.program)
    return _file(call, path, tuple(words))


def _line(call: Call, path: Path, words: Words) -> Outcome:
    if not words:
        return Unknown("sh -c without a line")
    line = words[0]
    try:
        script = shell.parse(Source(line.at.path, line.value), first=line.at)
    except UnreadableError as error:
        return Unknown(f"{line.at}: {error.why}")
    return _script(call, path, script, tuple(words[2:]), is_line=True)


def _file(call: Call, path: Path, words: Words) -> Outcome:
    found = path.find_file(words[0].value)
    if found is None:
        return Unknown(f"the script {words[0].value} is not in the project")
    script = path.project.one(ShellScript, found)
    if script is None:
        return Unknown(f"{found} is no shell script that can be read")
    return _script(call, path, script.script, words[1:], is_line=False)


def _script(call: Call, path: Path, script: shell.Script, arguments: Words, *, is_line: bool) -> Outcome:
    """Follow the command of *script* that serves: of several, a real server before a development one."""
    best: tuple[Outcome, Path] | None = None
    arguments = _with_program(script, arguments)
    for command, given in run(script, arguments):
        trial = path.branch()
        inner = _evaluated(script, command)
        if inner is not None:
            outcome = _script(call, trial, inner, given, is_line=False)
            if not isinstance(outcome, Unknown) and (best is None or _rank(outcome) > _rank(best[0])):
                best = (outcome, trial)
        if not command.words or command.words[0] in _NO_SERVER:
            continue
        # A shell execs the last simple command of a -c line by itself; of a script it does not.
        is_child = command.is_background or command.is_piped
        if is_child or not (command.is_exec or (is_line and command.is_last)):
            kind = Kind.BACKGROUND if command.is_background else (Kind.LINE if is_line else Kind.SCRIPT)
            shown = _shown(call, script, is_line=is_line)
            trial.stays(shown, command.at, passes_signals=_traps(script), kind=kind)
        outcome = trial.follow(_call(call, script, command, given))
        if best is None or _rank(outcome) > _rank(best[0]):
            best = (outcome, trial)
    if best is None:
        return Unknown(f"{script.path}: starts nothing")
    path.take(best[1])
    return best[0]


def _evaluated(script: shell.Script, command: shell.Command) -> shell.Script | None:
    """Return the script that ``eval "$line"`` runs, where the line is known."""
    if command.words[:1] != ("eval",) or len(command.words) != 2:
        return None
    name = command.words[1].strip("${}")
    line = script.assigned.get(name)
    if line is None or "eval" in line.value:
        return None
    try:
        return shell.parse(Source(line.at.path, line.value), first=line.at)
    except UnreadableError:
        return None


def _with_program(script: shell.Script, arguments: Words) -> Words:
    """Put ``set -- program "$@"`` before arguments that name none: an entrypoint's way to a default."""
    if arguments and not arguments[0].value.startswith("-"):
        return arguments
    for command in script.commands:
        words = command.words
        is_default = words[:2] == ("set", "--") and len(words) > 3 and _ALL_ARGUMENTS.fullmatch(words[-1])
        if is_default:
            return (*(Given(word, command.at) for word in words[2:-1]), *arguments)
    return arguments


def _traps(script: shell.Script) -> bool:
    """Whether the script does something of its own on SIGTERM."""
    told = [word for command in script.commands if command.words[:1] == ("trap",) for word in command.words]
    return any(word.upper().removeprefix("SIG") in ("TERM", "15", "EXIT", "0") for word in told)


def _rank(outcome: Outcome) -> int:
    if isinstance(outcome, Server):
        return 2 if outcome.is_development else 3
    return 1 if isinstance(outcome, NotWeb) else 0


def _shown(call: Call, script: shell.Script, *, is_line: bool) -> str:
    return "sh -c" if is_line else posixpath.basename(script.path or call.program)


def _split(script: shell.Script, words: tuple[str, ...], values: dict[str, str]) -> list[str]:
    """Return *words*; a command that is one variable ("$command") as the words that the shell makes of it."""
    first = _VARIABLE.fullmatch(words[0]) if words else None
    if first is None:
        return list(words)
    assigned = script.assigned.get(first[1])
    if assigned is not None and _ALL_ARGUMENTS.fullmatch(assigned.value):
        return [assigned.value, *words[1:]]
    expanded = shell.put_in(words[0], script, values)
    return [*(expanded.text.split() if not expanded.missing else words[:1]), *words[1:]]


def _with_positions(word: str, arguments: Words) -> str:
    """Put in what $1, $2 … mean, where the script is given so many."""

    def put(match: re.Match[str]) -> str:
        number = int(match[1]) - 1
        return arguments[number].value if number < len(arguments) else match[0]

    return _POSITION.sub(put, word)


def _call(call: Call, script: shell.Script, command: shell.Command, arguments: Words) -> Call:
    """Return the call a command makes, its variables and "$@" put in."""
    values = {name: given.value for name, given in call.environ.items()}
    environ = dict(call.environ)
    for name, given in script.assigned.items():
        expanded = shell.put_in(given.value, script, values)
        if not expanded.missing and "$(" not in expanded.text:
            environ[name] = Given(expanded.text, given.at, expanded.variables)
    words: list[Given[str]] = []
    for word in _split(script, command.words, values):
        if _ALL_ARGUMENTS.fullmatch(word):
            words += arguments
        else:
            expanded = shell.put_in(word, script, values)
            said = _with_positions(expanded.text, arguments)
            words.append(Given(said, command.at, expanded.variables))
    for name, value in command.assignments.items():
        environ[name] = Given(shell.put_in(value, script, values).text, command.at)
    made = call.with_words(tuple(words), environ=environ, arguments=arguments)
    # Words of the script's own make it the script's command; else it is the caller's, passed through.
    return replace(made, at=command.at) if len(words) > len(arguments) else made
