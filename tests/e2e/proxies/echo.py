"""The echo in the application's place: what arrives, before any parser of ours."""

from __future__ import annotations

import json
from typing import Any

REFUSED = "gunwale.forwarded.refused"
_KEYS = (
    "REMOTE_ADDR",
    "REMOTE_PORT",
    "SERVER_NAME",
    "SERVER_PORT",
    "SERVER_PROTOCOL",
    "REQUEST_METHOD",
    "SCRIPT_NAME",
    "PATH_INFO",
    "QUERY_STRING",
    "wsgi.url_scheme",
)


def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    raw = {key: environ[key] for key in _KEYS if key in environ}
    raw |= {key: value for key, value in environ.items() if key.startswith("HTTP_")}
    answer = {
        "raw": raw,
        "seen": raw,
        "server": environ.get("SERVER_SOFTWARE", ""),
        "refused": environ.get(REFUSED),
    }
    body = json.dumps(answer).encode()
    start_response(
        "200 OK",
        [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
        ],
    )
    return [body]


if __name__ == "__main__":
    import sys

    import waitress

    # Neither cleared nor trusted, as gunwale serves with it: our parser is the one that reads them.
    waitress.serve(
        application, listen=f"127.0.0.1:{sys.argv[1]}", clear_untrusted_proxy_headers=False, threads=4
    )
