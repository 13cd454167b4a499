"""The shop rolled out under load by gunwale, then the naive way under the same load; every request counted.

What runs is ``gunwale rehearse``, and its command line is printed; options given here are added to it.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from gunwale.cli import run

ROOT = Path(__file__).resolve().parent.parent
SHOP = ROOT / "examples" / "shop"
COMMAND = (
    *("gunwale", "rehearse", "--as", "host", "--against", "naive"),
    *("--rate", "40", "--rolls", "2", "--tasks", "2", "--set", "serve.workers=2", "--mix", "load.toml"),
)


def seed() -> None:
    command = [sys.executable, "-m", "flask", "--app", "shop:create_app", "seed"]
    done = subprocess.run(command, cwd=SHOP, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        raise SystemExit(f"the shop cannot be filled:\n{done.stdout}{done.stderr}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--report", type=Path, default=ROOT / "build" / "rehearsal.html", metavar="FILE")
    options, added = parser.parse_known_args()
    report = options.report.resolve()
    words = [*COMMAND, *added, "--report", os.path.relpath(report, SHOP)]
    print(f"$ cd {os.path.relpath(SHOP)}\n$ {shlex.join(words)}", flush=True)
    # The front is a program beside our interpreter, which nobody need have activated.
    os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    with tempfile.TemporaryDirectory(prefix="gunwale-demo-") as folder:
        os.environ["FLASK_INSTANCE_PATH"] = folder
        seed()
        os.chdir(SHOP)
        sys.argv = words
        try:
            run()
        except SystemExit as ended:
            if ended.code in {0, 1}:  # else there is none
                print(f"\nThe timeline, each step and each failed request: {report}", flush=True)
            raise


if __name__ == "__main__":
    main()
