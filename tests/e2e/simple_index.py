"""A package index of one folder of wheels (the simple repository API), for tools that take nothing else."""

from __future__ import annotations

import contextlib
import html
import re
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def an_index(folder: Path) -> Iterator[str]:
    """Serve the wheels of *folder* on this machine's loopback; give the index's address."""

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = self.path.strip("/").split("/")
            if parts[:1] == ["simple"] and len(parts) == 2:
                self._list(parts[1])
            else:
                self.path = "/" + parts[-1]
                super().do_GET()

        def _list(self, name: str) -> None:
            wheels = sorted(each.name for each in folder.glob("*.whl") if _project(each.name) == name)
            links = "".join(
                f'<a href="/files/{html.escape(each)}">{html.escape(each)}</a>\n' for each in wheels
            )
            body = f"<!DOCTYPE html><html><body>{links}</body></html>".encode()
            self.send_response(200 if wheels else 404)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Say nothing: a build asks hundreds of times."""

    with ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *args, **more: Handler(*args, directory=str(folder), **more)
    ) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/simple"
        finally:
            server.shutdown()
            thread.join()


def _project(wheel: str) -> str:
    return re.sub(r"[-_.]+", "-", wheel.partition("-")[0]).lower()
