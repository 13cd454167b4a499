"""mod_wsgi believes forwarded fields of anybody, and takes the first address of the list.

`WSGITrustedProxyHeaders` without `WSGITrustedProxies` trusts every peer, and the client is then the leftmost
value of X-Forwarded-For, which the client itself may have sent.

## Example: fields without proxies

Flagged at `site.conf:3`.

```apache site.conf
<VirtualHost *:80>
    WSGIScriptAlias / /srv/app/wsgi.py
    WSGITrustedProxyHeaders X-Forwarded-For X-Forwarded-Proto
</VirtualHost>
```

## Use instead: both

```apache site.conf
<VirtualHost *:80>
    WSGIScriptAlias / /srv/app/wsgi.py
    WSGITrustedProxies 10.0.0.0/16
    WSGITrustedProxyHeaders X-Forwarded-For X-Forwarded-Proto
</VirtualHost>
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.check.finding import Finding, Severity, Topic
from gunwale.check.rule import About
from gunwale.project.readers.apache import Apache, walk
from gunwale.project.roles import of_production

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gunwale.project.model import Project

RULE = About(Topic.TRUST, Severity.ERROR)


def check(project: Project) -> Iterator[Finding]:
    """Look at each file of Apache as a whole."""
    files = {each.path: each for each in project.of(Apache)}
    for path in of_production(files):
        said = {each.name: each for each in walk(files[path].directives)}
        found = said.get("wsgitrustedproxyheaders")
        if found is not None and "wsgitrustedproxies" not in said:
            yield Finding(
                at=found.at,
                message="mod_wsgi trusts these fields of anybody, and the first address of the list",
                hint="WSGITrustedProxies with the networks that the proxy connects from",
            )
