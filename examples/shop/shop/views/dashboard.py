"""An async view: three questions asked at once, in the time of the slowest."""

import asyncio

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from shop.arguments import bounded

blueprint = Blueprint("dashboard", __name__)


@blueprint.get("/dashboard")
async def dashboard() -> ResponseReturnValue:
    """Ask three suppliers, each of whom takes `seconds` to answer."""
    seconds = bounded(request.args, "seconds", 0.02, 0.0, 10.0)
    names = ("freight", "stock", "weather")
    answers = await asyncio.gather(*(_ask(name, seconds) for name in names))
    return dict(zip(names, answers, strict=True))


async def _ask(name: str, seconds: float) -> str:
    await asyncio.sleep(seconds)
    return f"{name} is well"
