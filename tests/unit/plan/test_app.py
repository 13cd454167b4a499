from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gunwale.plan import app

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Write

OBJECT = "from flask import Flask\n\nsite = Flask(__name__)\n"
FACTORY = "import flask\n\ndef make(config=None):\n    shop = flask.Flask(__name__)\n    return shop\n"


@pytest.mark.parametrize(
    ("name", "source", "expected"),
    [
        ("app.py", OBJECT, "app:site"),
        ("wsgi.py", OBJECT, "wsgi:site"),
        ("main.py", "from flask import Flask as Web\nsite: Web = Web('x')\n", "main:site"),
        ("application.py", "import flask as f\nsite = f.Flask('x')\n", "application:site"),
        ("shop/__init__.py", FACTORY, "shop:make()"),
        ("src/shop/__init__.py", FACTORY, "shop:make()"),
        ("src/app.py", OBJECT, "app:site"),
        ("app.py", "from flask import Flask\ndef build():\n    return Flask('x')\n", "app:build()"),
        ("app.py", "from flask import Flask\nclass Shop(Flask): ...\nsite = Shop('x')\n", "app:site"),
        ("app.py", f"{OBJECT}\nif __name__ == '__main__':\n    site.run()\n", "app:site"),
        ("app.py", f"{FACTORY}\nsite = make()\n", "app:site"),
        ("app.py", "from flask import Flask\ntry:\n    site = Flask('x')\nfinally:\n    pass\n", "app:site"),
    ],
)
def test_the_one_application_is_found(
    project: Path, write: Write, name: str, source: str, expected: str
) -> None:
    write(name, source)

    assert app.find(project).app == expected


def test_a_factory_is_followed_to_where_it_is_defined(project: Path, write: Write) -> None:
    write("shop/factory.py", FACTORY)
    write("shop/__init__.py", "from shop.factory import make\n")
    write("shop/wsgi.py", "from shop import make as create\n\nsite = create()\n")

    assert app.find(project).app == "shop.wsgi:site"


def test_an_object_that_a_function_sets_up_is_not_taken_for_the_application(
    project: Path, write: Write
) -> None:
    write("app.py", f"{OBJECT}\ndef make():\n    site.testing = False\n    return site\n")

    found = app.find(project)

    assert found.app is None
    assert found.why == "app:site (app.py:3) is made at import, and make() sets it up: which of them is it?"
    # One that only hands it out does nothing to it.
    write("app.py", f"{OBJECT}\ndef get():\n    return site\n")
    assert app.find(project).app == "app:site"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("from flask import Flask\napp = Flask(\n", "app.py:2: is not Python: '(' was never closed"),
        (
            "from flask import Flask\ndef make(settings):\n    return Flask(settings)\n",
            "app.py:2: make(settings) needs arguments that nobody gives",
        ),
    ],
)
def test_what_stands_in_the_way_is_told(project: Path, write: Write, source: str, why: str) -> None:
    write("app.py", source)

    assert app.find(project).why == why
    # Where another file has one, that is the application.
    write("wsgi.py", OBJECT)
    assert app.find(project).app == "wsgi:site"


def test_where_it_was_found_is_told(project: Path, write: Write) -> None:
    write("src/shop/__init__.py", FACTORY)

    assert app.find(project).why == "found in src/shop/__init__.py:3"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("app = object()\n", "a name is never enough"),
        (
            "from flask import Flask\ndef make(config):\n    return Flask(config)\n",
            "its argument is not known",
        ),
        (
            "from flask import Flask\ndef make(*, config):\n    return Flask(config)\n",
            "its argument is not known",
        ),
        ("from flask import Flask\ndef make():\n    Flask('x')\n", "it returns nothing"),
        ("def make():\n    return Flask('x')\n", "this Flask is another one"),
        ("from flask import Flask\ndef test():\n    app = Flask('x')\n", "it is local"),
        (
            "from flask import Flask\nif __name__ == '__main__':\n    app = Flask('x')\n",
            "never made when imported",
        ),
        ("def broken(:\n", "no Python"),
        ("", "empty"),
    ],
)
def test_what_is_no_application_is_not_taken_for_one(
    project: Path, write: Write, source: str, reason: str
) -> None:
    write("app.py", source)

    found = app.find(project)

    assert found.app is None, reason
    assert 'app = "module:variable"' in found.hint


def test_several_applications_are_listed_and_none_is_taken(project: Path, write: Write) -> None:
    write("app.py", OBJECT)
    write("shop/__init__.py", FACTORY.replace("def make", "admin = flask.Flask('x')\ndef make"))

    found = app.find(project)

    assert found.app is None
    assert found.why == "several applications: app:site (app.py:3), shop:admin (shop/__init__.py:3)"


def test_the_source_is_read_and_never_run(project: Path, write: Write) -> None:
    write("app.py", f"{OBJECT}\nopen('was-run', 'w')\nraise SystemExit\n")

    assert app.find(project).app == "app:site"
    assert not (project / "was-run").exists()


def test_tests_are_not_searched(project: Path, write: Write) -> None:
    write("tests/__init__.py", OBJECT)

    assert app.find(project).app is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("hello", "hello:site"),
        ("hello.py", "hello:site"),
        ("./hello.py", "hello:site"),
        ("deep/hello.py", "deep.hello:make()"),
        ("deep.hello", "deep.hello:make()"),
        ("hello:app2", "hello:app2"),
        ("deep.hello:make", "deep.hello:make()"),
        ("deep.hello:make()", "deep.hello:make()"),
        ("hello:create_app('dev')", "hello:create_app('dev')"),
    ],
)
def test_flask_app_is_translated(project: Path, write: Write, given: str, expected: str) -> None:
    write("hello.py", OBJECT)
    write("deep/hello.py", FACTORY)

    assert app.from_flask_app(project, given).app == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("gone", "no file of the module 'gone'"),
        ("a b", "not a module or file"),
        ("two.py", "several applications"),
    ],
)
def test_flask_app_that_leads_nowhere_is_told(project: Path, write: Write, given: str, message: str) -> None:
    write("two.py", f"{OBJECT}\nother = Flask('y')\n")

    found = app.from_flask_app(project, given)

    assert found.app is None
    assert message in found.why
