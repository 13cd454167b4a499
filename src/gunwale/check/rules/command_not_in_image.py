"""The container's command is a file that is not where it is called.

The container does not start: "no such file or directory". The file is in the image, at another place.

## Example: a path that COPY does not make

Flagged at `Dockerfile:4`.

```dockerfile Dockerfile
FROM python:3.13-slim
WORKDIR /srv
COPY . .
CMD ["/web/entrypoint.sh"]
```

```sh entrypoint.sh
#!/bin/sh
exec gunicorn app:app
```

## Use instead: where it is

```dockerfile Dockerfile
FROM python:3.13-slim
WORKDIR /srv
COPY . .
CMD ["/srv/entrypoint.sh"]
```

```sh entrypoint.sh
#!/bin/sh
exec gunicorn app:app
```

## Use instead: a step puts it there

```dockerfile Dockerfile
FROM python:3.13-slim
WORKDIR /srv
COPY . .
RUN install -m 755 entrypoint.sh /web/entrypoint.sh
CMD ["/web/entrypoint.sh"]
```

```sh entrypoint.sh
#!/bin/sh
exec gunicorn app:app
```
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.context import layout
from gunwale.project.import_path import may_hold_more
from gunwale.project.services import mounts
from gunwale.project.start_path import starts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.START, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Look for the first word of each container's command among what is copied into its image."""
    seen = set()
    for start in project.derive(starts):
        image, service = start.launch.image, start.launch.service
        word = start.launch.words[0] if start.launch.words else None
        if image is None or word is None or "/" not in word.value or "$" in word.value or word.at in seen:
            continue
        inside = posixpath.normpath(posixpath.join(image.workdir, word.value))
        files = layout(project, image)
        name = posixpath.basename(inside)
        text = " ".join(f"{each.value} {each.heredoc}" for each in image.instructions("RUN"))
        if inside in files or name in text.replace("chmod", "") or (service is not None and mounts(service)):
            continue
        found = next((path for path in files if posixpath.basename(path) == name), None)
        if found is not None and not may_hold_more(project, image):
            seen.add(word.at)
            yield Finding(
                at=word.at,
                message=f"{word.value} is not in the image: {name} is copied to {found}",
                hint=f"call {found}, or copy it to {inside}",
                because=(Because(files[found].copy.instruction.at, f"it is copied to {found}"),),
            )
