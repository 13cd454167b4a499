"""What starts an application besides images and units: platforms' files, old compose files, the README."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gunwale.project.facts import Unknown
from gunwale.project.health import Request, checks
from gunwale.project.model import Project
from gunwale.project.privileges import User, user
from gunwale.project.start_path import web_starts

if TYPE_CHECKING:
    from pathlib import Path

    from gunwale.project.start import Start

APP = "from flask import Flask\napp = Flask(__name__)\n"
RUN = f"{APP}if __name__ == '__main__':\n    app.run()\n"
IMAGE = "FROM python:3.13-slim\nWORKDIR /srv\nCOPY . .\n"
SOCKET = "from flask import Flask\nfrom flask_socketio import SocketIO\napp = Flask(__name__)\n"
SOCKET_RUN = "if __name__ == '__main__':\n    socketio.run(app)\n"


def _starts(root: Path, files: dict[str, str]) -> tuple[Start, ...]:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Project(root).derive(web_starts)


def _servers(root: Path, files: dict[str, str]) -> list[tuple[str, str]]:
    return [(start.launch.title, start.server.name) for start in _starts(root, files) if start.server]


@pytest.mark.parametrize(
    ("files", "title", "application"),
    [
        pytest.param(
            {"render.yaml": "services:\n- type: web\n  startCommand: gunicorn app:app\n"},
            "render.yaml",
            "app:app",
            id="Render",
        ),
        pytest.param(
            {"manifest.yml": "applications:\n- name: shop\n  command: gunicorn app:app\n"},
            "manifest.yml",
            "app:app",
            id="Cloud Foundry",
        ),
        pytest.param(
            {"railway.json": '{"deploy": {"startCommand": "gunicorn app:app"}}'},
            "railway.json",
            "app:app",
            id="Railway",
        ),
        pytest.param(
            {"nixpacks.toml": '[start]\ncmd = "gunicorn app:app"\n'},
            "nixpacks.toml",
            "app:app",
            id="Nixpacks",
        ),
        pytest.param(
            {"app.yaml": "runtime: python313\nentrypoint: gunicorn app:app\n"},
            "app.yaml",
            "app:app",
            id="App Engine, told",
        ),
        pytest.param(
            {"app.yaml": "runtime: python313\n"}, "app.yaml", "main:app", id="App Engine, by itself"
        ),
        pytest.param(
            {"app.yaml": "runtime: python27\nhandlers:\n- url: /.*\n  script: shop.web.app\n"},
            "app.yaml",
            "shop.web:app",
            id="App Engine, of the first generation",
        ),
        pytest.param(
            {".ebextensions/a.config": "option_settings:\n  x: {y: z}\n", "application.py": APP},
            ".ebextensions/a.config",
            "application:application",
            id="Elastic Beanstalk",
        ),
        pytest.param(
            {
                "infra/main.bicep": (
                    "resource web 'Microsoft.Web/sites@2024-04-01' = {\n"
                    "  properties: { siteConfig: {\n    linuxFxVersion: 'PYTHON|3.13'\n"
                    "    appCommandLine: 'startup.sh'\n  } }\n}\n"
                ),
                "startup.sh": "flask db upgrade\ngunicorn app:app\n",
            },
            "infra/main.bicep",
            "app:app",
            id="Azure App Service, told",
        ),
        pytest.param(
            {"azure.yaml": "name: shop\nservices:\n  web:\n    language: py\n    host: appservice\n"},
            "azure.yaml",
            "app:app",
            id="Azure App Service, by azd",
        ),
        pytest.param(
            {
                "infra/main.tf": (
                    'resource "aws_instance" "web" {\n  provisioner "file" {\n    source = "app.py"\n  }\n'
                    '  provisioner "remote-exec" {\n    inline = [\n      "cd /srv",\n\n'
                    '      "nohup gunicorn app:app &",\n    ]\n  }\n}\n'
                )
            },
            "infra/main.tf: aws_instance web",
            "app:app",
            id="Terraform, by remote-exec",
        ),
        pytest.param(
            {
                "infra/main.tf": (
                    'resource "aws_launch_template" "web" {\n'
                    '  user_data = filebase64("${path.module}/boot.sh")\n}\n'
                ),
                "infra/boot.sh": "#!/bin/bash\nyum -y update\ngunicorn app:app\n",
            },
            "infra/main.tf: aws_launch_template web",
            "app:app",
            id="Terraform, by a script of user data",
        ),
        pytest.param(
            {
                "main.tf": (
                    'resource "aws_instance" "web" {\n  user_data = <<-EOF\n    #!/bin/bash\n'
                    "    pip install flask gunicorn\n    gunicorn app:app\n  EOF\n}\n"
                )
            },
            "main.tf: aws_instance web",
            "app:app",
            id="Terraform, by user data",
        ),
        pytest.param(
            {
                ".github/workflows/deploy.yml": (
                    "jobs:\n  deploy:\n    steps:\n    - uses: actions/setup-python@v6\n"
                    "    - uses: azure/webapps-deploy@v3\n      with: {app-name: shop}\n"
                )
            },
            ".github/workflows/deploy.yml",
            "app:app",
            id="Azure App Service, by itself",
        ),
        pytest.param(
            {"fly.toml": "app = 'shop'\n[processes]\nweb = 'gunicorn app:app'\n"},
            "fly.toml",
            "app:app",
            id="Fly, told",
        ),
        pytest.param(
            {
                "fly.toml": "app = 'shop'\n[build]\ndockerfile = 'web/Dockerfile'\n",
                "web/Dockerfile": f'{IMAGE}CMD ["gunicorn", "app:app"]\n',
            },
            "fly.toml",
            "app:app",
            id="Fly, by the image",
        ),
        pytest.param(
            {"README.md": "```console\n$ gunicorn app:app  # for all\n$ flask run\n```\n"},
            "README.md: gunicorn app:app",
            "app:app",
            id="README, a server for production",
        ),
    ],
)
def test_a_platform_starts_a_server(
    files: dict[str, str], title: str, application: str, tmp_path: Path
) -> None:
    (start,) = _starts(tmp_path, {"app.py": APP, **files})

    assert (start.launch.title, start.server and start.server.application) == (title, application)


def test_a_server_that_the_platform_brings_has_unknown_settings(tmp_path: Path) -> None:
    (start,) = _starts(tmp_path, {"app.yaml": "runtime: python313\n", "main.py": APP})

    assert start.server is not None
    assert isinstance(start.server.settings["workers"], Unknown)


def test_fly_starts_the_image_with_its_own_environment_and_checks_and_not_with_the_images_check(
    tmp_path: Path,
) -> None:
    fly = """app = 'shop'
[env]
WEB_CONCURRENCY = 3
[http_service]
internal_port = 9000
[[http_service.checks]]
path = '/up'
"""
    image = f'{IMAGE}HEALTHCHECK CMD curl -f localhost/x\nCMD ["gunicorn", "app:app"]\n'
    (start,) = _starts(tmp_path, {"app.py": APP, "Dockerfile": image, "fly.toml": fly})

    assert start.server is not None
    assert start.server.number("workers", 1) == 3
    assert [each.request for each in checks(start)] == [Request("", "9000", "/up")]


def test_the_app_yaml_of_kubernetes_is_no_platform_file(tmp_path: Path) -> None:
    manifest = "apiVersion: v1\nkind: Service\nruntime: python313\n"

    assert not _starts(tmp_path, {"app.yaml": manifest, "main.py": APP})


@pytest.mark.parametrize(
    "command",
    ["flask run", "$ uv run flask --app app run", "(venv) $ python -m flask run", "python3 app.py"],
)
def test_the_development_server_of_the_readme_is_the_start_where_no_other_server_is_installed(
    command: str, tmp_path: Path
) -> None:
    files = {"README.md": f"Run it:\n\n    {command}\n", "app.py": RUN, "requirements.txt": "flask==3.1.2\n"}

    found = _starts(tmp_path, files)
    with_server = _servers(tmp_path, {"requirements.txt": "flask==3.1.2\ngunicorn==27.0.1\n"})

    assert [start.server is not None and start.server.is_development for start in found] == [True]
    assert not with_server, "whoever has gunicorn starts it in a way that the README does not tell"


def test_a_compose_file_that_lends_an_image_for_development_does_not_ship_it(tmp_path: Path) -> None:
    files = {
        "app.py": RUN,
        "Dockerfile": f'{IMAGE}CMD ["gunicorn", "app:app"]\n',
        "docker-compose.yml": "services:\n  web:\n    build: .\n    command: flask run --reload\n",
    }

    assert _servers(tmp_path, files) == [("Dockerfile", "gunicorn")]


def test_a_stage_for_development_below_the_last_is_not_shipped(tmp_path: Path) -> None:
    stages = f'{IMAGE.replace("slim", "slim AS base")}FROM base AS dev\nCMD ["python", "app.py"]\n'
    files = {
        "app.py": RUN,
        "Dockerfile": f'{stages}FROM base AS final\nCMD ["gunicorn", "app:app"]\n',
        "docker-compose.yml": "services:\n  web:\n    build: {context: ., target: dev}\n",
    }

    assert _servers(tmp_path, files) == [("Dockerfile", "gunicorn")]


def test_the_development_server_is_shipped_where_the_image_has_no_other(tmp_path: Path) -> None:
    files = {
        "app.py": RUN,
        "Dockerfile": f'{IMAGE}CMD ["python", "app.py"]\n',
        "docker-compose.yml": "services:\n  web:\n    build: .\n    command: flask run\n",
    }

    assert _servers(tmp_path, files) == [("docker-compose.yml: service web", "werkzeug")]


def test_compose_files_of_the_first_format_have_services_too(tmp_path: Path) -> None:
    files = {
        "app.py": APP,
        "Dockerfile": IMAGE,
        "docker-compose.yml": "web:\n  build: .\n  command: gunicorn app:app\ndb:\n  image: postgres\n",
    }

    assert _servers(tmp_path, files) == [("docker-compose.yml: service web", "gunicorn")]


def test_a_service_that_only_names_the_image_of_a_directory_runs_it(tmp_path: Path) -> None:
    files = {
        "vote/app.py": APP,
        "vote/Dockerfile": f'{IMAGE}CMD ["gunicorn", "app:app"]\n',
        "docker-stack.yml": "services:\n  web: {image: example/shop_vote}\n  db: {image: postgres}\n",
    }

    assert _servers(tmp_path, files) == [("docker-stack.yml: service web", "gunicorn")]


def test_a_platform_runs_the_one_image_with_python_in_it(tmp_path: Path) -> None:
    spec = "spec:\n  containers:\n  - {name: api, image: registry/x}\n"
    pod = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\n{spec}"
    files = {
        "back/app.py": APP,
        "back/Dockerfile": f'{IMAGE}CMD ["gunicorn", "app:app"]\n',
        "front/Dockerfile": "FROM nginx:1.29\nCOPY . /usr/share/nginx/html\n",
        "k8s/pod.yaml": pod,
    }

    assert _servers(tmp_path, files) == [("k8s/pod.yaml: container api", "gunicorn")]


def test_supervisord_runs_the_programs_of_the_files_it_includes_as_the_user_it_is_told(
    tmp_path: Path,
) -> None:
    main = "[supervisord]\nuser=www-data\n[include]\nfiles=/etc/supervisor/conf.d/%(ENV_STAGE)s/*.conf\n"
    files = {
        "app.py": APP,
        "Dockerfile": f"{IMAGE}ENV STAGE=LIVE\nCMD supervisord -c supervisor/supervisord.conf\n",
        "supervisor/supervisord.conf": main,
        "supervisor/conf.d/LIVE/web.conf": "[program:web]\ncommand=gunicorn app:app\n",
        "supervisor/conf.d/OTHER/web.conf": "[program:web]\ncommand=flask run\n",
    }

    (start,) = _starts(tmp_path, files)

    assert start.server is not None
    assert start.server.name == "gunicorn"
    assert user(Project(tmp_path), start) == User("another user", start.launch.at)


@pytest.mark.parametrize(
    ("made", "installed", "server"),
    [
        ("SocketIO(app)", "flask-socketio\n", "werkzeug"),
        ("SocketIO(app)", "flask-socketio\neventlet\n", "eventlet"),
        ("SocketIO(app)", "flask-socketio\ngevent\n", "gevent"),
        ("SocketIO(app, async_mode='threading')", "flask-socketio\neventlet\n", "werkzeug"),
    ],
)
def test_flask_socketio_runs_what_is_installed(
    made: str, installed: str, server: str, tmp_path: Path
) -> None:
    files = {
        "app.py": f"{SOCKET}socketio = {made}\n{SOCKET_RUN}",
        "requirements.txt": f"flask==3.1.2\n{installed}",
        "Dockerfile": f'{IMAGE}CMD ["python", "app.py"]\n',
    }

    assert _servers(tmp_path, files) == [("Dockerfile", server)]


def test_a_class_of_a_package_that_is_made_of_flask_makes_an_application(tmp_path: Path) -> None:
    files = {
        "app.py": RUN.replace("from flask", "from apiflask").replace("Flask", "APIFlask"),
    }
    files |= {"requirements.txt": "flask\napiflask\n"}

    assert _servers(tmp_path, files) == [("app.py: python app.py", "werkzeug")]


DISPATCH = """#!/bin/bash
set -e
server() {
  exec gunicorn --workers ${N:-4} app:app
}
case "$1" in
  worker)
    shift
    exec celery worker
    ;;
  server)
    shift
    server
    ;;
  dev)
    exec flask run
    ;;
  *)
    exec "$@"
    ;;
esac
"""
PREFIX = '#!/bin/sh\nif [ "${1#-}" != "$1" ]; then\n  set -- gunicorn "$@"\nfi\nexec "$@"\n'
EVALUATED = """#!/bin/sh
cmd="exec gunicorn app:app \\
  $@"
if [ -n "$X" ]; then
  cmd="su -c '$cmd'"
fi
eval "$cmd"
"""


@pytest.mark.parametrize(
    ("script", "command", "server"),
    [
        pytest.param(DISPATCH, "server", "gunicorn", id="a function of the branch"),
        pytest.param(DISPATCH, "dev", "werkzeug", id="another branch"),
        pytest.param(DISPATCH, "worker", None, id="a branch that serves nothing"),
        pytest.param(DISPATCH, "gunicorn app:app", "gunicorn", id="any other command"),
        pytest.param(PREFIX, "-w 2 app:app", "gunicorn", id="a program before options"),
        pytest.param(EVALUATED, "-w 2", "gunicorn", id="eval"),
    ],
)
def test_an_entrypoint_goes_by_its_arguments(
    script: str, command: str, server: str | None, tmp_path: Path
) -> None:
    words = ", ".join(f'"{word}"' for word in command.split())
    files = {
        "app.py": APP,
        "start.sh": script,
        "Dockerfile": f'{IMAGE}ENTRYPOINT ["./start.sh"]\nCMD [{words}]\n',
    }

    found = _starts(tmp_path, files)

    assert [start.server and start.server.name for start in found] == ([server] if server else [])
    assert not any(start.ancestors for start in found), "each of them runs by exec"


def test_docker_takes_a_dockerfile_in_lower_case(tmp_path: Path) -> None:
    files = {
        "app.py": APP,
        "dockerfile": f'{IMAGE}CMD ["gunicorn", "app:app"]\n',
        "docker-compose.yml": "services:\n  web: {build: .}\n",
    }

    assert _servers(tmp_path, files) == [("docker-compose.yml: service web", "gunicorn")]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("build.sh", "docker build -t example/shop-web:1 .\n"),
        (".github/workflows/a.yml", "jobs: {}\n# docker\ntags: example/shop-web\n"),
    ],
)
def test_an_image_that_a_script_of_the_project_builds_is_its_own(
    path: str, text: str, tmp_path: Path
) -> None:
    files = {
        "app.py": APP,
        "Dockerfile": f'{IMAGE}CMD ["gunicorn", "app:app"]\n',
        "docker-compose.yml": "services:\n  web: {image: example/shop-web}\n",
    }

    assert _servers(tmp_path, files) == [("Dockerfile", "gunicorn")]
    assert _servers(tmp_path, {path: text}) == [("docker-compose.yml: service web", "gunicorn")]


def test_python_takes_its_options_in_one_word(tmp_path: Path) -> None:
    files = {
        "shop/__init__.py": "",
        "shop/__main__.py": RUN,
        "Dockerfile": f'{IMAGE}CMD ["python", "-um", "shop"]\n',
    }

    assert _servers(tmp_path, files) == [("Dockerfile", "werkzeug")]


def test_a_file_of_any_name_with_programs_is_supervisords(tmp_path: Path) -> None:
    files = {
        "app.py": APP,
        "web.conf": "; for the shop\n[program:web]\ncommand=gunicorn app:app\n",
        "httpd.conf": "<VirtualHost *:80>\n</VirtualHost>\n",
    }

    assert _servers(tmp_path, files) == [("web.conf: program:web", "gunicorn")]


def test_a_unit_that_ansible_fills_in_is_read(tmp_path: Path) -> None:
    command = "/srv/{{ site }}/bin/gunicorn --workers 3 wsgi:app"
    files = {"app.py": APP, "shop.service": f"[Service]\nUser={{{{ user }}}}\nExecStart={command}\n"}

    assert _servers(tmp_path, files) == [("shop.service", "gunicorn")]


@pytest.mark.parametrize(
    ("base", "server"),
    [
        ("tiangolo/uwsgi-nginx-flask:python3.11", "uwsgi"),
        ("registry.example/meinheld-gunicorn-flask", "gunicorn"),
        ("registry.example/anything", None),
    ],
)
def test_a_base_image_that_brings_a_server_starts_it(base: str, server: str | None, tmp_path: Path) -> None:
    found = _starts(tmp_path, {"app/main.py": APP, "Dockerfile": f"FROM {base}\nCOPY ./app /app\n"})

    assert [start.server and start.server.name for start in found] == ([server] if server else [])
    assert all(isinstance(start.server.settings["workers"], Unknown) for start in found if start.server)
