""".dockerignore does not leave `.git` out, and the whole repository is copied into the image.

`.git` holds every file there ever was: the password that somebody committed and removed is in the image, for
whoever can pull it or reads a file through the application. It also makes every build start anew, since it
changes with each commit.

## Example: a .dockerignore without .git

Flagged at `Dockerfile:2`.

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . /app
CMD ["gunicorn", "app:app"]
```

```text .dockerignore
.env
```

```text .gitignore
.env
```

## Use instead: .git left out

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . /app
CMD ["gunicorn", "app:app"]
```

```text .dockerignore
.git/
```

```text .gitignore
.env
```

## Use instead: all left out but what is needed

```dockerfile Dockerfile
FROM python:3.13-slim
COPY . /app
CMD ["gunicorn", "app:app"]
```

```text .dockerignore
*
!src
```

```text .gitignore
.env
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.context import dockerignore, is_repository, takes, taking
from gunwale.project.facts import Place
from gunwale.project.start_path import images

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.DOCKERIGNORE, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Ask .dockerignore about .git, where a repository's root is copied."""
    for image, _ in project.derive(images):
        ignore = dockerignore(project, image)
        if ignore is None or ignore.excludes(".git/config") or not is_repository(project, image):
            continue
        copy = next((each for each in taking(project, image) if takes(each, ".git/config")), None)
        if copy is not None:
            yield Finding(
                at=copy.instruction.at,
                message=".git gets into the image, with all that was ever committed",
                hint=f"add .git to {ignore.path}",
                because=(Because(Place(ignore.path, 1), "no pattern here matches .git"),),
            )
