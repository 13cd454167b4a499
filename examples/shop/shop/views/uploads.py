"""An upload, read as it comes."""

import hashlib

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

CHUNK = 65_536

blueprint = Blueprint("uploads", __name__)


@blueprint.post("/upload")
def upload() -> ResponseReturnValue:
    """Answer the size and the SHA-256 of the body, whatever is in it."""
    digest, size = hashlib.sha256(), 0
    while chunk := request.stream.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
    return {"size": size, "sha256": digest.hexdigest()}
