"""gunicorn.conf.py: stands alone, without gunwale, and gives way to the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.errors import ConfigurationError, Problem
from gunwale.plan import explain
from gunwale.plan.sections import PLATFORMS
from gunwale.render.artifact import Artifact
from gunwale.render.words import told, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.render.deployment import Deployment

PATH = "gunicorn.conf.py"
PATHS = (PATH,)
NEEDS = PLATFORMS


def fits(deployment: Deployment) -> bool:
    """Whether Gunicorn is started without gunwale, or nothing tells where it runs."""
    plan = deployment.plan
    return plan.rollout.command == "gunicorn" or (
        plan.rollout.platform == "none" and plan.serve.server == "gunicorn"
    )


def render(deployment: Deployment) -> list[Artifact]:
    """Render gunicorn.conf.py."""
    if deployment.plan.serve.server != "gunicorn":
        message = f"serve.server is {deployment.plan.serve.server!r}"
        raise ConfigurationError(Problem(where="gunwale render gunicorn", message=message))
    lines = [*_head(deployment), *_workers(deployment), *_clock(deployment), *_proxies(deployment)]
    lines += [
        *_logs(deployment),
        *_machine(),
        "",
        "# >>> yours: settings (hooks, and what the plan has no word for)",
    ]
    lines += ["# <<< yours: settings"]
    return [Artifact(target="gunicorn", path=PATH, body="\n".join(lines))]


def _head(deployment: Deployment) -> Iterator[str]:
    plan = deployment.plan
    yield f'"""Gunicorn\'s settings for {plan.name}: gunicorn -c {PATH} (times are whole seconds)."""'
    yield ""
    yield "import os"
    yield ""
    if plan.app:
        yield from told(deployment.because("app"))
        yield f"wsgi_app = {_string(plan.app)}"
    yield from told(deployment.because("name"))
    yield f"proc_name = {_string(plan.name)}"
    yield ""
    yield from told(deployment.because("serve.bind"))
    yield "# PORT means every interface: the platform that sets it routes to it."
    yield 'port = os.environ.get("PORT")'
    planned = list(plan.serve.bind)
    bind = f'[f"0.0.0.0:{{port}}"] if port else {_strings(planned)}'
    yield 'addresses = os.environ.get("GUNWALE_SERVE_BIND") or os.environ.get("GUNICORN_BIND")'
    yield f'bind = addresses.split(",") if addresses else {bind}'
    yield from told(deployment.because("serve.backlog"))
    yield f"backlog = {plan.serve.backlog}"


def _strings(values: list[str]) -> str:
    return f"[{', '.join(_string(each) for each in values)}]"


def _string(value: str) -> str:
    # As a formatter of Python would write it.
    return f'"{value}"' if repr(value) == f"'{value}'" else repr(value)


def _setting(name: str, *variables: str, default: object, is_number: bool = True) -> Iterator[str]:
    """Write the setting *name*: the first of the *variables* that is set and not empty, else *default*."""
    if len(variables) == 1:
        asked = f'os.environ.get("{variables[0]}") or {default}'
        yield f"{name} = int({asked})" if is_number else f"{name} = {asked}"
        return
    yield f"{name} = int(" if is_number else f"{name} = ("
    lead = "    "
    for variable in variables:
        yield f'{lead}os.environ.get("{variable}")'
        lead = "    or "
    yield f"{lead}{default}"
    yield ")"


def _workers(deployment: Deployment) -> Iterator[str]:
    serve = deployment.plan.serve
    yield ""
    yield from told(deployment.because("serve.workers"))
    yield "# A number: cpu_count() tells of the machine's CPUs and knows no quota."
    names = ("GUNWALE_SERVE_WORKERS", "GUNICORN_WORKERS", "WEB_CONCURRENCY")
    yield from _setting("workers", *names, default=deployment.workers)
    yield from told(deployment.because("serve.worker_class"))
    variables = ("GUNWALE_SERVE_WORKER_CLASS", "GUNICORN_WORKER_CLASS")
    yield from _setting("worker_class", *variables, default=_string(serve.worker_class), is_number=False)
    yield from told(deployment.because("serve.threads"))
    yield from _setting("threads", "GUNWALE_SERVE_THREADS", default=serve.threads)
    yield from told(deployment.because("serve.max_requests"))
    yield f"max_requests = {serve.max_requests}"
    yield from told(deployment.because("serve.max_requests_jitter"))
    yield f"max_requests_jitter = {serve.max_requests_jitter}"
    yield from told(deployment.because("serve.preload"))
    yield f"preload_app = {serve.preload}"


def _clock(deployment: Deployment) -> Iterator[str]:
    serve = deployment.plan.serve
    yield ""
    yield from told(deployment.because("serve.request_timeout"))
    variables = ("GUNWALE_SERVE_REQUEST_TIMEOUT", "GUNICORN_TIMEOUT")
    yield from _setting("timeout", *variables, default=whole(serve.request_timeout))
    yield from told(deployment.because("serve.drain_timeout"))
    yield from told(deployment.stop_sum())
    variables = ("GUNWALE_SERVE_DRAIN_TIMEOUT", "GUNICORN_GRACEFUL_TIMEOUT")
    yield from _setting("graceful_timeout", *variables, default=whole(serve.drain_timeout))
    yield from told(deployment.because("serve.keepalive"))
    if serve.worker_class == "sync" and serve.threads == 1:
        yield "# A sync worker closes after each response, and means nothing by it."
        yield 'if worker_class != "sync":'
        yield f"    keepalive = {whole(serve.keepalive)}"
    else:
        yield f"keepalive = {whole(serve.keepalive)}"


def _proxies(deployment: Deployment) -> Iterator[str]:
    plan = deployment.plan
    yield ""
    yield from told(deployment.because("proxies.networks"))
    yield f'forwarded_allow_ips = "{",".join(plan.proxies.networks)}"'
    yield "# No client may set SCRIPT_NAME or PATH_INFO by a field of that name (Gunicorn's default lets it)."
    yield 'forwarder_headers = ""'
    if plan.proxies.hops is None:
        yield "# One field tells the scheme; X-Forwarded-Ssl and -Protocol would be the client's own."
        yield 'secure_scheme_headers = {"X-FORWARDED-PROTO": "https"}'
        return
    yield "# The application reads the forwarded fields by the chain's hop counts, with Gunwale(app) or:"
    line = explain.proxy_fix(plan)
    yield f"#   {line}" if line else "#   (Werkzeug's ProxyFix has no line for this chain)"
    yield "secure_scheme_headers = {}"


def _logs(deployment: Deployment) -> Iterator[str]:
    serve = deployment.plan.serve
    yield ""
    yield from told(deployment.because("serve.access_log"))
    if serve.access_log == "json":
        yield "# Gunicorn's own log has the combined form; the JSON form is gunwale's."
    yield "accesslog = None" if serve.access_log == "off" else 'accesslog = "-"'
    yield 'errorlog = "-"'
    yield from told(deployment.because("serve.log_level"))
    variables = ("GUNWALE_SERVE_LOG_LEVEL", "GUNICORN_LOG_LEVEL")
    yield from _setting("loglevel", *variables, default=_string(serve.log_level), is_number=False)


def _machine() -> Iterator[str]:
    yield ""
    yield "# The heartbeat must not wait for a disk, and a read-only root has no other place."
    yield 'if os.access("/dev/shm", os.W_OK):'
    yield '    worker_tmp_dir = "/dev/shm"'
    yield "# It would be written under the home directory, which a container does not have."
    yield "control_socket_disable = True"
