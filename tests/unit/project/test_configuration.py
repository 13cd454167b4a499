"""Which configuration the shipped environment selects, by every way projects choose it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gunwale.project.facts import Given
from gunwale.project.model import Project
from gunwale.project.python.chosen import chosen
from gunwale.project.python.configuration import named

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """
class Config:
    SECRET_KEY = "base"
    TESTING = False

class DevelopmentConfig(Config):
    DEBUG = True

class ProductionConfig(Config):
    SECRET_KEY = "production"

configs = {"development": DevelopmentConfig, "production": ProductionConfig, "default": DevelopmentConfig}
"""
DOCKERFILE = 'FROM python:3.13-slim\nCOPY . .\nCMD ["gunicorn", "app:app"]\n'
COMPOSE = "services:\n  web:\n    build: .\n    environment:\n      MODE: %s\n"
HEAD = "import os\nfrom flask import Flask\nimport config\nfrom config import *\n"


def _project(root: Path, application: str, mode: str | None, **files: str) -> Project:
    (root / "config.py").write_text(CONFIG)
    (root / "app.py").write_text(application)
    (root / "Dockerfile").write_text(DOCKERFILE)
    if mode is not None:
        (root / "compose.yaml").write_text(COMPOSE % mode)
    for name, text in files.items():
        (root / f"{name}.py").write_text(text)
    return Project(root)


def _names(project: Project) -> list[str]:
    return [each.name or each.file.path for each in project.derive(chosen).references]


BY_MODE = [
    "app.config.from_object(config.configs[os.environ['MODE']])",
    "app.config.from_object(config.configs.get(os.getenv('MODE', 'default')))",
    "app.config.from_object('config.' + os.environ['MODE'].title() + 'Config')",
    "app.config.from_object(f\"config.{os.environ.get('MODE').capitalize()}Config\")",
    "app.config.from_object(config.configs[os.environ.get('MODE') or 'default']())",
    """\
if os.environ.get('MODE') == 'production':
    app.config.from_object('config.ProductionConfig')
else:
    app.config.from_object('config.DevelopmentConfig')
""",
]


@pytest.mark.parametrize("line", BY_MODE)
@pytest.mark.parametrize(
    ("mode", "name"), [("production", "ProductionConfig"), ("development", "DevelopmentConfig")]
)
def test_a_variable_of_the_service_selects_the_class(line: str, mode: str, name: str, tmp_path: Path) -> None:
    project = _project(
        tmp_path, f"import os\nimport config\nfrom flask import Flask\napp = Flask('x')\n{line}\n", mode
    )

    assert _names(project) == [name]
    assert project.derive(chosen).is_certain


FACTORY = """
import os
from flask import Flask
from config import configs

def create_app(name=None):
    app = Flask("x")
    if name is None:
        name = os.environ.get("MODE", "default")
    app.config.from_object(configs[name])
    return app
"""


def test_a_factory_is_followed_to_what_the_served_module_calls_it_with(tmp_path: Path) -> None:
    application = "from factory import create_app\napp = create_app('production')\n"
    other = "from factory import create_app\ncreate_app('development').run()\n"
    project = _project(tmp_path, application, "x", factory=FACTORY, manage=other)

    assert "ProductionConfig" in _names(project)
    assert "DevelopmentConfig" not in _names(project)


def test_the_class_that_is_the_default_is_not_taken_for_selected_where_variables_may_come_from_outside(
    tmp_path: Path,
) -> None:
    application = "from factory import create_app\napp = create_app()\n"
    project = _project(tmp_path, application, None, factory=FACTORY)

    assert not project.derive(chosen).is_certain
    assert "DevelopmentConfig" not in _names(project)


def test_a_setting_is_the_strongest_of_its_line_of_classes(tmp_path: Path) -> None:
    application = (
        "from flask import Flask\napp = Flask('x')\napp.config.from_object('config.ProductionConfig')\n"
    )
    project = _project(tmp_path, application, None)
    values = [each.value for each in named(project, "SECRET_KEY")]

    assert [each.value for each in values if isinstance(each, Given)] == ["production"]
    assert [each.owner for each in named(project, "TESTING")] == ["Config"]


def test_a_module_that_configures_itself_is_selected(tmp_path: Path) -> None:
    application = "from flask import Flask\napp = Flask(__name__)\napp.config.from_object(__name__)\n"
    project = _project(tmp_path, application, None)

    assert _names(project) == ["app.py"]
    assert project.derive(chosen).is_certain


def test_what_only_a_run_module_sets_counts_only_where_it_is_run(tmp_path: Path) -> None:
    main = "if __name__ == '__main__':\n    app.config['SECRET_KEY'] = 'dev'\n"
    application = f"from flask import Flask\napp = Flask('x')\n{main}"
    served = named(_project(tmp_path, application, None), "SECRET_KEY")

    assert [each for each in served if each.owner == "app.config"] == []

    (tmp_path / "Dockerfile").write_text('FROM python:3.13-slim\nCOPY . .\nCMD ["python", "app.py"]\n')
    (tmp_path / "app.py").write_text(f"{application}    app.run()\n")
    run = named(Project(tmp_path), "SECRET_KEY")

    assert [each.at.line for each in run if each.owner == "app.config"] == [4]


def test_a_pydantic_field_is_the_default_of_its_variable(tmp_path: Path) -> None:
    settings = (
        "from pydantic_settings import BaseSettings\nclass Own(BaseSettings):\n    SECRET_KEY: str = 'x'\n"
    )
    application = (
        "from flask import Flask\nfrom own import Own\napp = Flask('x')\napp.config.from_object(Own())\n"
    )
    (found,) = named(_project(tmp_path, application, None, own=settings), "SECRET_KEY")

    assert isinstance(found.value, Given)
    assert found.value.variables == ("SECRET_KEY",)


def test_a_module_named_for_production_is_read_where_what_is_loaded_is_not_known(tmp_path: Path) -> None:
    app = "import os\nfrom flask import Flask\napp = Flask(__name__)\nname = os.environ['STAGE']\n"
    files = {
        "app.py": f"{app}app.config.from_pyfile(os.path.join('config', name + '.py'))\n",
        "config/production.py": "SECRET_KEY = 'a'\nDEBUG = False\n",
        "config/development.py": "SECRET_KEY = 'b'\nDEBUG = True\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    found = named(Project(tmp_path), "SECRET_KEY")

    assert [each.at.path for each in found] == ["config/production.py"]
