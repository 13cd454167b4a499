"""The other end of the control socket: asking a running serve."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gunwale.errors import Problem, StartError
from gunwale.serve import control

if TYPE_CHECKING:
    from collections.abc import Iterator


def first_address(config: Path | None) -> str:
    """Give the first address that `gunwale serve` in this folder would bind."""
    from gunwale.plan.capacity import detect
    from gunwale.plan.load import load

    plan = load(Path.cwd(), config_file=config, environ=os.environ, capacity=detect(environ=os.environ))
    return plan.serve.bind[0]


def ask(address: str, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Ask the serve whose first address is *address*; its answers, to the last.

    StartError: nobody is there, or another user.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        try:
            sock.connect(control.name(address))
        except OSError as error:
            hint = "give --bind the first address of the running serve, as its log says it"
            message = f"no gunwale serves it here ({error.strerror or error})"
            raise StartError(Problem(where=address, message=message, hint=hint)) from error
        if not control.is_friend(sock):
            message = "is served by another user, who will not be asked"
            raise StartError(
                Problem(where=address, message=message, hint="run this as that user, or as root")
            )
        sock.sendall(json.dumps(request).encode() + b"\n")
        ended = False
        for line in sock.makefile():
            answer = json.loads(line)
            ended = ended or "exit" in answer
            yield answer
        if not ended:
            hint = "its own log tells what happened"
            raise StartError(Problem(where=address, message="serve hung up before it was done", hint=hint))
