"""Dockerfile: two stages, slim, a numeric user, the server in exec form, health asked without curl."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from gunwale.errors import ConfigurationError, Problem
from gunwale.plan import app
from gunwale.render import packaging, start
from gunwale.render.artifact import Artifact
from gunwale.render.words import number, told

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gunwale.render.deployment import Deployment
    from gunwale.render.packaging import Packaging

PATHS = ("Dockerfile",)
NEEDS = ("docker", "ecs", "kubernetes")
# Tools of the build stage only; released versions of 2026-11-22.
TOOLS = {"uv": "uv==0.13.9", "poetry": "poetry==2.5.1", "pipenv": "pipenv==2026.10.3"}
_CACHES = {"uv": "UV_CACHE_DIR", "poetry": "POETRY_CACHE_DIR"}
_RETRIES = 3


def fits(deployment: Deployment) -> bool:
    """Whether the platform runs images."""
    return deployment.plan.rollout.platform in NEEDS


def render(deployment: Deployment) -> list[Artifact]:
    """Render the Dockerfile."""
    found = packaging.find(deployment.directory)
    server = deployment.plan.rollout.command
    problems = []
    if not found.names(server):
        problem = Problem(
            where=f"gunwale render dockerfile: {found.files[0]}",
            message=f"does not name {server}, which the image starts",
            hint=f"add {server} to the project's packages, and lock them again",
        )
        problems.append(problem)
    python = deployment.plan.image.python
    if server == "gunwale" and packaging.is_too_old(python):
        hint = 'or keep Gunicorn as what the image starts: rollout.command = "gunicorn"'
        where = f"image.python ({deployment.plan.origins['image.python']})"
        message = f"{python}: {packaging.TOO_OLD}"
        problems.append(Problem(where=where, message=message, hint=hint))
    if problems:
        raise ConfigurationError(problems)
    lines = [*_build(deployment, found), "", *_image(deployment), *_run(deployment)]
    return [Artifact(target="dockerfile", path="Dockerfile", body="\n".join(lines))]


def _from(deployment: Deployment) -> str:
    image = deployment.plan.image
    return f"python:{image.python}-{image.base}"


def _build(deployment: Deployment, found: Packaging) -> Iterator[str]:
    yield from told(deployment.because("image.python"))
    yield from told(deployment.because("image.base"))
    yield f"FROM {_from(deployment)} AS build"
    yield from _system(deployment, "image.build_packages", deployment.plan.image.build_packages)
    if found.tool in TOOLS:
        yield f"RUN pip install --no-cache-dir {TOOLS[found.tool]}"
    yield "RUN python -m venv /opt/venv"
    yield "ENV VIRTUAL_ENV=/opt/venv PATH=/opt/venv/bin:$PATH"
    yield "WORKDIR /build"
    yield f"COPY {' '.join(found.files)} ./"
    if not found.has_hashes:
        yield "# Without hashes in it the file says which versions, not which bytes."
    mount = ""
    if deployment.plan.image.cache_mounts:
        yield from told(deployment.because("image.cache_mounts"))
        mount = f"--mount=type=cache,target=/cache {_CACHES.get(found.tool, 'PIP_CACHE_DIR')}=/cache "
    for words in _install(found, is_cached=bool(mount)):
        if mount:
            yield "# hadolint ignore=DL3042"  # the cache is a mount, no part of a layer
        yield f"RUN {mount}{words}"
    yield "# >>> yours: build (assets and the like; they stay in this stage but for COPY --from=build)"
    yield "# <<< yours: build"


def _install(found: Packaging, *, is_cached: bool) -> list[str]:
    """Return the commands that install what is locked, and not the project itself: it runs where it lies."""
    uncached = "" if is_cached else "--no-cache-dir "
    if found.tool == "uv":
        no_cache = "" if is_cached else "--no-cache "
        settings = "UV_PROJECT_ENVIRONMENT=/opt/venv UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never"
        return [f"{settings} uv sync {no_cache}--frozen --no-dev --no-install-project --compile-bytecode"]
    if found.tool == "poetry":
        return [f"poetry install {'' if is_cached else '--no-cache '}--only main --no-root --no-interaction"]
    if found.tool == "pipenv":
        return [
            "pipenv requirements --hash > requirements.txt",
            f"/opt/venv/bin/pip install {uncached}--require-hashes -r requirements.txt",
        ]
    hashes = "--require-hashes " if found.has_hashes else ""
    return [f"pip install {uncached}{hashes}-r {found.files[0]}"]


def _system(deployment: Deployment, key: str, packages: Sequence[str]) -> Iterator[str]:
    if not packages:
        return
    yield from told(deployment.because(key))
    names = " ".join(packages)
    if deployment.plan.image.base.startswith("alpine"):
        yield "# hadolint ignore=DL3018"
        yield f"RUN apk add --no-cache {names}"
        return
    yield "# hadolint ignore=DL3008"
    yield "RUN apt-get update \\"
    yield f"    && apt-get install -y --no-install-recommends {names} \\"
    yield "    && rm -rf /var/lib/apt/lists/*"


def _image(deployment: Deployment) -> Iterator[str]:
    yield f"FROM {_from(deployment)}"
    yield from _system(deployment, "image.system_packages", deployment.plan.image.system_packages)
    yield "COPY --from=build /opt/venv /opt/venv"
    yield "# Logs at once; and nobody may write beside the sources."
    yield "ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1"
    if app.is_under_src(deployment.directory, deployment.plan.app):
        yield "ENV PYTHONPATH=/srv/src"
    yield "WORKDIR /srv"
    yield "# Root's, and only readable: what the application writes is no part of its image."
    yield "COPY . ."
    yield "# >>> yours: image"
    yield "# <<< yours: image"


def _run(deployment: Deployment) -> Iterator[str]:
    plan = deployment.plan
    yield from told(deployment.because("image.uid"))
    yield "# A number: runAsNonRoot cannot tell what a name stands for."
    yield f"USER {plan.image.uid}:{plan.image.uid}"
    yield from told(deployment.because("serve.bind"))
    yield f"EXPOSE {start.listener(deployment).port}"
    yield from told(deployment.stop_sum())
    yield "# What stops the container must give it that long: Docker's own 10 s would cut requests."
    yield "STOPSIGNAL SIGTERM"
    yield from told(deployment.because("health.interval"))
    yield from told(deployment.because("health.timeout"))
    yield from told(deployment.because("rollout.ready_timeout"))
    interval, patience = plan.health.interval, plan.health.timeout + 1
    yield (
        f"HEALTHCHECK --interval={number(interval)}s --timeout={number(patience)}s "
        f"--start-period={number(plan.rollout.ready_timeout)}s --retries={_RETRIES} \\"
    )
    yield f"    CMD {json.dumps(start.health(deployment, plan.health.liveness_path), ensure_ascii=False)}"
    yield from told(deployment.because("rollout.command"))
    yield f"CMD {json.dumps(start.command(deployment), ensure_ascii=False)}"
