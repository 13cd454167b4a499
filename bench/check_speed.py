"""What gunwale check costs: on examples/shop, and on a project of 1,000 and of 5,000 Python files.

    python bench/check_speed.py

Whole processes from cold, in seconds of the processor (user and system), which a busy machine lengthens
less than the clock's. A tenth of the made project's files use Flask, and it is deployed by the usual files.
Prints medians of five; exits 1 when a budget is missed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from bench.bed import SHOP, say_where, verdict
else:
    from bed import SHOP, say_where, verdict

ROUNDS = 5
SMALL, LARGE = 1_000, 5_000
EVERY = 10  # one file in so many uses Flask
FOLDER = 50  # files in one package
MOST_SHOP = 0.5  # seconds
MOST_LARGE = 3.0
MOST_MEMORY = 200.0  # MiB
NOISE = 1.1  # of the growth: two medians of five differ by less

DEPLOYMENT = {
    "requirements.txt": "flask==3.1.2\ngunicorn==23.0.0\nsqlalchemy==2.0.43\n",
    "Dockerfile": (
        "FROM python:3.13-slim\nWORKDIR /srv\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n"
        'COPY . .\nCMD ["gunicorn", "--bind", "0.0.0.0:8000", "wsgi:app"]\n'
    ),
    "compose.yaml": "services:\n  web:\n    build: .\n    environment: {APP_MODE: production}\n",
    "nginx.conf": (
        "events {}\nhttp {\n  server {\n    listen 80;\n    location / {\n      proxy_pass http://web:8000;\n"
        "      proxy_set_header X-Forwarded-For $remote_addr;\n    }\n  }\n}\n"
    ),
    "wsgi.py": "from shop import create_app\n\napp = create_app()\n",
    "config.py": (
        "import os\n\n\nclass Config:\n    SECRET_KEY = os.environ['SECRET_KEY']\n"
        "    SESSION_COOKIE_SECURE = True\n    SQLALCHEMY_DATABASE_URI = os.environ['DATABASE_URL']\n"
    ),
}

VIEW = '''
@part{n}.route("/things/{n}/{i}", methods=["GET", "POST"])
def thing_{i}():
    """Show one thing, or take one."""
    if request.method == "POST":
        current_app.logger.info("took %s from %s", {i}, request.remote_addr)
        made = {{key: request.form.get(key, "") for key in ("name", "size", "colour")}}
        if not made["name"]:
            return jsonify(error="no name"), 400
        return redirect(url_for("part{n}.thing_{i}"))
    return render_template("thing.html", number={i}, rows=[row for row in range({i}) if row % 2])
'''

PLAIN = '''
class Record{i}:
    """One record, as the store keeps it."""

    def __init__(self, name, values=(), parent=None):
        self.name = name
        self.values = list(values)
        self.parent = parent

    def total(self, weights=None):
        """Return the weighted sum of the values."""
        weights = weights or [1] * len(self.values)
        found = 0
        for value, weight in zip(self.values, weights):
            if value is None or not math.isfinite(value):
                logger.warning("record %s holds %r", self.name, value)
                continue
            found += value * weight * {i}
        return found

    def path(self):
        """Return the names from the first record to this one."""
        return [*(self.parent.path() if self.parent else []), self.name]
'''


class Cost(NamedTuple):
    """What one run took: *seconds* of the processor, and at most so many *mebibytes*."""

    seconds: float
    mebibytes: float


def make(root: Path, count: int) -> Path:
    """Write a project of *count* Python files, and return its root."""
    for name, text in DEPLOYMENT.items():
        root.joinpath(name).write_text(text)
    made = sum(name.endswith(".py") for name in DEPLOYMENT)
    application = root / "shop" / "__init__.py"
    application.parent.mkdir()
    blueprints = []
    for n in range(count - made - 1):
        folder = root / "shop" / f"part{n // FOLDER}"
        folder.mkdir(exist_ok=True)
        if n % EVERY:
            folder.joinpath(f"plain{n}.py").write_text(plain(n))
        else:
            folder.joinpath(f"views{n}.py").write_text(views(n))
            blueprints.append(f"shop.part{n // FOLDER}.views{n}")
    application.write_text(factory(blueprints))
    return root


def views(n: int) -> str:
    head = "from flask import Blueprint, current_app, jsonify, redirect\n"
    head += "from flask import render_template, request, url_for\n"
    head += f'\npart{n} = Blueprint("part{n}", __name__)\n'
    return head + "\n".join(VIEW.format(n=n, i=i) for i in range(8))


def plain(n: int) -> str:
    head = f"import logging\nimport math\n\nlogger = logging.getLogger(__name__)\nLIMIT = {n}\n"
    return head + "\n".join(PLAIN.format(i=i) for i in range(5))


def factory(blueprints: list[str]) -> str:
    lines = ["import importlib", "", "from flask import Flask", "", "", "def create_app():"]
    lines += ["    app = Flask(__name__)", '    app.config.from_object("config.Config")']
    for each in blueprints:
        name = each.rpartition(".views")[2]
        lines.append(f'    app.register_blueprint(importlib.import_module("{each}").part{name})')
    return "\n".join([*lines, "    return app", ""])


def cost(root: Path) -> Cost:
    """Audit *root* in a process of its own."""
    # An installed package has its byte code; a checkout that may not write any would compile it each time.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunwale", "check", str(root)],
            env=environment,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, 1):
            said.seek(0)
            raise SystemExit(f"gunwale check {root} failed:\n{said.read().decode()}")
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def main() -> int:
    say_where()
    costs: dict[str, list[Cost]] = {"examples/shop": [], f"{SMALL:,} files": [], f"{LARGE:,} files": []}
    with tempfile.TemporaryDirectory() as folder:
        roots = [SHOP]
        for count in (SMALL, LARGE):
            root = Path(folder, str(count))
            root.mkdir()
            roots.append(make(root, count))
        cost(SHOP)  # writes the byte code
        for _ in range(ROUNDS):
            for name, root in zip(costs, roots, strict=True):
                costs[name].append(cost(root))
    print(f"\n{f'median of {ROUNDS} (least to most)':32}{'seconds':>24}{'MiB':>8}")
    for name, each in costs.items():
        seconds = sorted(one.seconds for one in each)
        spread = f"{median(seconds):.2f} ({seconds[0]:.2f} to {seconds[-1]:.2f})"
        print(f"{name:32}{spread:>24}{max(one.mebibytes for one in each):>8.0f}")
    shop, small, large = (median(one.seconds for one in each) for each in costs.values())
    memory = max(one.mebibytes for each in costs.values() for one in each)
    growth = large / small
    print(f"{f'growth from {SMALL:,} to {LARGE:,} files':32}{f'{growth:.2f} times':>24}")
    missed = []
    if shop > MOST_SHOP:
        missed.append(f"examples/shop takes {shop:.2f} s, at most {MOST_SHOP} wanted")
    if large > MOST_LARGE:
        missed.append(f"{LARGE:,} files take {large:.2f} s, at most {MOST_LARGE} wanted")
    if growth > NOISE * LARGE / SMALL:
        missed.append(f"{LARGE / SMALL:.0f} times the files take {growth:.2f} times the time")
    if memory > MOST_MEMORY:
        missed.append(f"{memory:.0f} MiB of memory, at most {MOST_MEMORY:.0f} wanted")
    return verdict(missed)


if __name__ == "__main__":
    sys.exit(main())
