"""Links to this site are built from whatever Host a client sends.

The proxy takes every Host and hands it on, the application refuses none, and a link in a mail is built of it:
somebody asks for another's password reset with their own Host, and the link in the mail leads to their site.

## Example: a catch-all server and a link in a mail

Flagged at `app.py:8`.

```python app.py
from flask import Flask, url_for

app = Flask(__name__)


@app.post("/reset")
def reset():
    return send(url_for("confirm", token=token(), _external=True))
```

```nginx nginx.conf
server {
    listen 443 ssl;
    server_name _;
    location / {
        proxy_pass http://127.0.0.1:8000;
        proxy_set_header Host $host;
    }
}
```

## Use instead: TRUSTED_HOSTS

```python app.py
from flask import Flask, url_for

app = Flask(__name__)
app.config["TRUSTED_HOSTS"] = ["shop.example.com"]


@app.post("/reset")
def reset():
    return send(url_for("confirm", token=token(), _external=True))
```

```nginx nginx.conf
server {
    listen 443 ssl;
    server_name _;
    location / {
        proxy_pass http://127.0.0.1:8000;
        proxy_set_header Host $host;
    }
}
```

## Use instead: nginx names the site

```python app.py
from flask import Flask, url_for

app = Flask(__name__)


@app.post("/reset")
def reset():
    return send(url_for("confirm", token=token(), _external=True))
```

```nginx nginx.conf
server {
    listen 443 ssl;
    server_name shop.example.com;
    location / {
        proxy_pass http://127.0.0.1:8000;
        proxy_set_header Host $host;
    }
}
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Because, Confidence, Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.fronts import fronts
from gunwale.project.python.client_facts import uses
from gunwale.project.python.configuration import named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.TRUST, Severity.WARNING, Confidence.LIKELY)
_LINKS = ("_external", "host_url", "url_root", "root_url")


def check(project: Project) -> Iterator[Finding]:
    """Look at ways in that take every Host, and at the first link that is built from it."""
    if named(project, "TRUSTED_HOSTS"):
        return
    for front in project.derive(fronts):
        takes_all = all(each.takes_any_host and each.keeps_host for each in front.chain)
        links = [use for use in project.derive(uses) if any(word in use.fact for word in _LINKS)]
        link = next((use for use in links if front.holds(use.at.path)), None)
        if takes_all and link is not None:
            yield Finding(
                at=link.at,
                message="a link to this site is built from any Host that a client sends",
                hint="set TRUSTED_HOSTS (Flask 3.1), or name the site in the proxy and refuse other hosts",
                because=(Because(front.last.at, f"{front.last.proxy} takes every Host and hands it on"),),
            )
            return
