"""Server-sent events: how many orders there are, as it changes."""

import json
import time
from collections.abc import Callable, Iterator

from flask import Blueprint, Flask, Response, current_app, request
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from shop.arguments import bounded
from shop.database import db
from shop.models import Order

# How late a stream may notice that the server drains.
POLL_SECONDS = 0.1

blueprint = Blueprint("events", __name__)


@blueprint.get("/events")
def events() -> ResponseReturnValue:
    """Send `count` events, one each `interval` seconds, but no more once the server drains."""
    count = bounded(request.args, "count", 3600, 1, 86_400)
    interval = bounded(request.args, "interval", 1.0, 0.0, 60.0)
    is_draining = request.environ.get("gunwale.draining", _never)
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - Flask's documented way
    response = Response(_stream(app, is_draining, count, interval), mimetype="text/event-stream")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"  # nginx would hold the events back
    return response


def _never() -> bool:
    return False


def _stream(app: Flask, is_draining: Callable[[], bool], count: int, interval: float) -> Iterator[str]:
    due = time.monotonic()
    for number in range(1, count + 1):
        while not is_draining() and (wait := due - time.monotonic()) > 0:
            time.sleep(min(wait, POLL_SECONDS))
        if is_draining():
            # The browser's EventSource comes back by itself, to the server that took over.
            yield "event: draining\ndata: {}\n\n"
            return
        due += interval
        with app.app_context():
            orders = db.session.scalar(select(func.count()).select_from(Order))
        yield f"id: {number}\ndata: {json.dumps({'orders': orders})}\n\n"
