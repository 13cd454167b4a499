"""A slow report."""

import time

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from shop.arguments import bounded
from shop.database import db
from shop.models import OrderLine, Product

blueprint = Blueprint("reports", __name__)


@blueprint.get("/report")
def report() -> ResponseReturnValue:
    """Sales by category, after as many `seconds` as asked for."""
    seconds = bounded(request.args, "seconds", 2.0, 0.0, 120.0)
    # Slept before the first query: no connection of the pool is held meanwhile.
    time.sleep(seconds)
    revenue = func.coalesce(func.sum(OrderLine.quantity * OrderLine.price_cents), 0)
    sold = func.coalesce(func.sum(OrderLine.quantity), 0)
    query = (
        select(Product.category, sold, revenue)
        .join(OrderLine, OrderLine.product_id == Product.id, isouter=True)
        .group_by(Product.category)
        .order_by(Product.category)
    )
    rows = db.session.execute(query)
    return {
        "seconds": seconds,
        "categories": [{"name": name, "sold": int(n), "revenue_cents": int(r)} for name, n, r in rows],
    }
