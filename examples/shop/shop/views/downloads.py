"""A large download, streamed, whose every byte a client can foretell."""

from collections.abc import Iterator

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from shop.arguments import bounded

BLOCK = 65_536
PATTERN = bytes(range(256)) * (BLOCK // 256)

blueprint = Blueprint("downloads", __name__)


@blueprint.get("/download")
def download() -> ResponseReturnValue:
    """Send `bytes` bytes, with Content-Length unless `chunked=1`."""
    size = bounded(request.args, "bytes", 20_000_000, 0, 2_000_000_000)
    response = Response(blocks(size), mimetype="application/octet-stream")
    if request.args.get("chunked") != "1":
        response.content_length = size
    response.headers["Content-Disposition"] = "attachment; filename=download.bin"
    return response


def blocks(size: int) -> Iterator[bytes]:
    """The download: block n is n as 8 bytes, big-endian, then each byte its offset in the block mod 256."""
    for number, start in enumerate(range(0, size, BLOCK)):
        yield (number.to_bytes(8, "big") + PATTERN[8:])[: size - start]
