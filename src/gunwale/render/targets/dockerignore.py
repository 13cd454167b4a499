""".dockerignore: what must not get into an image, at whatever depth it lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.render.artifact import Artifact

if TYPE_CHECKING:
    from gunwale.render.deployment import Deployment

PATHS = (".dockerignore",)
NEEDS = ("docker", "ecs", "kubernetes")
# A pattern without "**/" holds at the root of the context only.
_PATTERNS = {
    "secrets": (".env", ".env.*", "*.pem", "*.key", ".ssh", ".aws", ".netrc", ".pypirc"),
    "what the application wrote while it was developed": (
        "instance",
        "*.sqlite",
        "*.sqlite3",
        "*.db",
        "*.log",
    ),
    "history": (".git", ".gitignore", ".gitattributes", ".github", ".hg", ".svn"),
    "what Python and its tools leave behind": (
        *(
            "__pycache__",
            "*.pyc",
            "*.pyo",
            "*.egg-info",
            ".venv",
            "venv",
            ".tox",
            ".nox",
            ".coverage",
            "htmlcov",
        ),
        *(".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"),
    ),
    "tests": ("tests", "test", "test_*.py", "*_test.py", "conftest.py"),
    "other machinery": ("node_modules", ".idea", ".vscode", ".DS_Store"),
    "the image's own recipe": ("Dockerfile*", ".dockerignore", "compose*.y*ml", "docker-compose*.y*ml"),
}


def fits(deployment: Deployment) -> bool:
    """Whether the platform runs images."""
    return deployment.plan.rollout.platform in NEEDS


def render(deployment: Deployment) -> list[Artifact]:  # noqa: ARG001 - a target's signature; it is no number's
    """Render the .dockerignore."""
    lines = ["# Each pattern holds at every depth."]
    for why, patterns in _PATTERNS.items():
        lines += [f"# {why}", *(f"**/{pattern}" for pattern in patterns)]
    lines += [
        "# >>> yours: patterns (the last one that matches decides; !pattern takes back)",
        "# <<< yours: patterns",
    ]
    return [Artifact(target="dockerignore", path=".dockerignore", body="\n".join(lines))]
