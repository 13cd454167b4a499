"""The cart, kept in the client's signed session."""

import uuid

from flask import Blueprint, abort, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from shop.arguments import bounded
from shop.database import db
from shop.models import Product

MOST = 99
# The session travels in a cookie, and browsers keep 4 KB of one.
MOST_LINES = 50

blueprint = Blueprint("cart", __name__)


def contents() -> dict[int, int]:
    """Quantities by product id."""
    return {int(product_id): quantity for product_id, quantity in session.get("cart", {}).items()}


def empty() -> None:
    session.pop("cart", None)


@blueprint.get("/cart")
def show() -> ResponseReturnValue:
    quantities = contents()
    found = db.session.scalars(select(Product).where(Product.id.in_(quantities)).order_by(Product.id))
    lines = [(product, quantities[product.id]) for product in found]
    total = sum(product.price_cents * quantity for product, quantity in lines)
    # The form carries the order's key, so a double click or a retry places one order.
    return render_template("cart.html", lines=lines, total=total, key=uuid.uuid4().hex)


@blueprint.post("/cart/add")
def add() -> ResponseReturnValue:
    product_id = bounded(request.form, "product_id", 0, 1, 2**31 - 1)
    quantity = bounded(request.form, "quantity", 1, 1, MOST)
    if db.session.get(Product, product_id) is None:
        abort(404)
    cart = {**session.get("cart", {})}
    cart[str(product_id)] = min(cart.get(str(product_id), 0) + quantity, MOST)
    if len(cart) > MOST_LINES:
        abort(400, f"cart: should hold {MOST_LINES} products at most")
    session["cart"] = cart
    return redirect(url_for("cart.show"), 303)
