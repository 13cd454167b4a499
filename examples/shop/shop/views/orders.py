"""Orders: a POST that is neither run twice nor lost, however often a client sends it."""

from flask import Blueprint, abort, current_app, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from shop.arguments import bounded
from shop.database import db
from shop.models import Order, OrderLine, Product
from shop.views import accounts, cart

blueprint = Blueprint("orders", __name__)


@blueprint.post("/orders")
def place() -> ResponseReturnValue:
    """Place the order of the form, else of the cart: 201, and 200 with the same body when it is repeated."""
    key = request.headers.get("Idempotency-Key") or request.form.get("id", "")
    if not 1 <= len(key) <= 64:
        abort(400, "Idempotency-Key: should be a field of 1 to 64 characters (or id, in the form)")
    wanted = _form_lines()
    order, is_new = _find_or_create(key, wanted or cart.contents())
    if order.user_id != accounts.current_id() or (wanted and wanted != _quantities(order)):
        abort(422, "Idempotency-Key: was used for another order")
    if not wanted:
        # On a repeat too: the answer that emptied the cart may be the one that was lost.
        cart.empty()
    response = jsonify(order.as_json())
    response.status_code = 201 if is_new else 200
    response.location = url_for("orders.show", order_id=order.id)
    return response


@blueprint.get("/orders/<order_id>")
def show(order_id: str) -> ResponseReturnValue:
    order = db.session.get(Order, order_id)
    if order is None or (order.user_id is not None and order.user_id != accounts.current_id()):
        abort(404)
    return order.as_json()


@blueprint.get("/orders/count")
def count() -> ResponseReturnValue:
    return {"count": db.session.scalar(select(func.count()).select_from(Order))}


def _form_lines() -> dict[int, int]:
    if "product_id" not in request.form:
        return {}
    product_id = bounded(request.form, "product_id", 0, 1, 2**31 - 1)
    return {product_id: bounded(request.form, "quantity", 1, 1, cart.MOST)}


def _quantities(order: Order) -> dict[int, int]:
    return {line.product_id: line.quantity for line in order.lines}


def _find_or_create(key: str, quantities: dict[int, int]) -> tuple[Order, bool]:
    by_key = select(Order).where(Order.key == key)
    found = db.session.scalar(by_key)
    if found is not None:
        return found, False
    try:
        return _create(key, quantities), True
    except IntegrityError:
        # The same key was committed by another worker since we looked.
        db.session.rollback()
        found = db.session.scalar(by_key)
        if found is None:
            raise
        return found, False


def _create(key: str, quantities: dict[int, int]) -> Order:
    if not quantities:
        abort(400, "order: should have a product_id, or a cart with something in it")
    products = db.session.scalars(
        select(Product).where(Product.id.in_(quantities)).order_by(Product.id)
    ).all()
    if len(products) != len(quantities):
        abort(400, "order: names a product that is not for sale")
    lines = [
        OrderLine(product_id=product.id, quantity=quantities[product.id], price_cents=product.price_cents)
        for product in products
    ]
    total = sum(line.quantity * line.price_cents for line in lines)
    order = Order(key=key, user_id=accounts.current_id(), total_cents=total, lines=lines)
    db.session.add(order)
    # The key goes in first: a repeat waits or fails here, before it touches the stock.
    db.session.flush()
    for line in lines:
        _take_from_stock(line)
    db.session.commit()
    current_app.logger.info("order %s placed, %d cents", order.id, order.total_cents)
    return order


def _take_from_stock(line: OrderLine) -> None:
    enough = (Product.id == line.product_id, Product.stock >= line.quantity)
    taken = update(Product).where(*enough).values(stock=Product.stock - line.quantity).returning(Product.id)
    if db.session.scalar(taken) is None:
        db.session.rollback()
        abort(409, "order: the stock does not suffice")
