"""The load from a shell, and the process that LoadProcess drives.

``python -m gunwale.measure.load http://127.0.0.1:8000 --mix load.toml``. With ``--control`` it takes JSON
lines on stdin: the profile, then ``{"do": "burst", "n": 60}``, ``{"do": "look"}`` or ``{"do": "stop",
"grace": 5}``; it answers each with one on stdout, the last of which is the result.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import sys
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gunwale.errors import ConfigurationError, GunwaleError, Problem
from gunwale.measure.load import Load
from gunwale.measure.load_mix import Mix, read_mix
from gunwale.measure.load_profile import Ask, Profile
from gunwale.measure.load_tally import Spool
from gunwale.measure.posts import Stored, audit, read_stored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gunwale.measure.load_report import Result
    from gunwale.measure.posts import Audit

_SHOWN = 5  # ids named for each fault


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a load; exit 1 when a request failed, a POST was lost or doubled, or the result is not believed."""
    options = _parser().parse_args(arguments)
    _prepare_process()
    try:
        if options.control:
            return _obey(Load(Profile.from_json(sys.stdin.readline())).start())
        return _run(options)
    except GunwaleError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m gunwale.measure.load", description="Send a load.")
    add = parser.add_argument
    add("target", nargs="?", default="", help="http://HOST:PORT or unix:PATH")
    add("--rate", type=float, default=50.0, help="requests a second, each on its connection")
    add("--duration", type=float, default=10.0, help="seconds")
    add("--grace", type=float, default=5.0, help="seconds for what is outstanding then")
    add("--path", action="append", help="a path to ask, again for several; / by default")
    add("--mix", default="", help='a .toml or .json file, an access log, or "routes" (needs --app)')
    add("--app", default="", help="module:variable or module:factory(), in this folder")
    add(
        "--try", dest="tries", action="store_true", help="first ask each once, and leave out what is not well"
    )
    add("--unsafe", action="store_true", help="of an access log, also methods that are not safe")
    add("--stored", default="", help="callable:…, command:…, url:… or sql:…: the ids that were stored")
    add("--keepalive-clients", type=int, default=0, help="clients that keep a connection")
    add("--spool", default="", help="keep records in this file, not in memory")
    add("--json", action="store_true", help="every record, as one line of JSON")
    add("--control", action="store_true", help="take the profile and orders on stdin")
    return parser


def _prepare_process() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # A pause of the collector would be a lag of ours; nothing here makes cycles that matter in a run.
    gc.disable()


def _run(options: argparse.Namespace) -> int:
    mix = _mix(options)
    for note in mix.notes:
        sys.stderr.write(f"{mix.source}: {note}\n")
    profile = Profile(
        target=options.target,
        rate=options.rate,
        mix=mix.asks,
        keepalive_clients=options.keepalive_clients,
        spool=options.spool,
    )
    load = Load(profile).start()
    threading.Event().wait(options.duration)
    result = load.stop(options.grace)
    stored = Stored.parse(options.stored) if options.stored else mix.stored
    found = None
    if stored is not None:
        ids = read_stored(stored, app=options.app, directory=Path.cwd(), target=options.target)
        found = audit(result.records, ids, stored.paths)
    sys.stdout.write((result.to_json() if options.json else summary(result, found)) + "\n")
    is_well = not result.failed() and not result.bottleneck() and (found is None or found.is_whole)
    return 0 if is_well else 1


def _mix(options: argparse.Namespace) -> Mix:
    if not options.mix:
        return Mix(asks=tuple(Ask(path=path) for path in options.path or ["/"]), source="--path")
    if options.mix == "routes" and not options.app:
        raise ConfigurationError(Problem(where="--mix routes", message="needs --app", hint="whose routes?"))
    mix = read_mix(options.mix, app=options.app, directory=Path.cwd(), is_unsafe_too=options.unsafe)
    if options.tries:
        from gunwale.measure.load_trial import tried

        mix = tried(mix, options.target)
    return mix


def _obey(load: Load) -> int:
    _say({"event": "started", "at": time.monotonic()})
    for line in sys.stdin:
        order = json.loads(line)
        if order["do"] == "burst":
            _say({"event": "burst", "at": load.burst(order["n"])})
        elif order["do"] == "look":
            _say({"event": "progress", "progress": asdict(load.look())})
        elif order["do"] == "stop":
            result = load.stop(order.get("grace", 5.0))
            count = len(result.records)
            if isinstance(result.records, Spool):
                result = replace(result, records=())
            sys.stdout.write(f'{{"event":"stopped","count":{count},"result":{result.to_json()}}}\n')
            sys.stdout.flush()
            return 0
    return 0


def _say(message: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def summary(result: Result, found: Audit | None = None) -> str:
    """Return what a person wants to know of a load, its own faults last."""
    seconds = result.stopped - result.started
    counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(result.counts().items()))
    lines = [
        f"{len(result.records)} requests in {seconds:.1f} s: {counts or 'none'}",
        f"latency p50 {result.latency(0.5) * 1e3:.1f} ms, p99 {result.latency(0.99) * 1e3:.1f} ms",
        f"own lag p99 {result.lag_p99 * 1e3:.2f} ms, {result.cpu:.0%} of one core",
    ]
    if found is not None:
        lines.append(
            f"POSTs: {found.accepted} accepted, {found.stored} stored, {len(found.lost)} lost,"
            f" {len(found.doubled)} doubled, {found.unanswered} stored without an answer"
        )
        lines += [f"  lost: {each}" for each in found.lost[:_SHOWN]]
        lines += [f"  stored {count} times: {each}" for each, count in list(found.doubled.items())[:_SHOWN]]
    lines += [f"not to be believed, the generator was the bottleneck: {each}" for each in result.bottleneck()]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
