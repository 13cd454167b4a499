"""What is for sale."""

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import bindparam, func, select

from shop.arguments import bounded
from shop.database import db
from shop.models import Product, Review

PAGE = 24
RELATED = 4

# Of the most visited page, composed once: composing a query costs more than SQLite takes to answer it.
ITEM = select(Product).where(Product.id == bindparam("id"))
REVIEWS = (
    select(Review.author, Review.stars, Review.text)
    .where(Review.product_id == bindparam("id"))
    .order_by(Review.id.desc())
)
RELATED_ITEMS = (
    select(Product.id, Product.name, Product.category, Product.price_cents)
    .where(Product.category == bindparam("category"), Product.id != bindparam("id"))
    .order_by(func.abs(Product.price_cents - bindparam("price_cents")))
    .limit(RELATED)
)

blueprint = Blueprint("catalogue", __name__)


@blueprint.get("/")
def index() -> ResponseReturnValue:
    best = (
        select(Product)
        .join(Review)
        .group_by(Product.id)
        .order_by(func.avg(Review.stars).desc(), Product.id)
        .limit(8)
    )
    return render_template("index.html", products=db.session.scalars(best).all())


@blueprint.get("/products")
def products() -> ResponseReturnValue:
    page = bounded(request.args, "page", 1, 1, 10_000)
    category = request.args.get("category")
    query = select(Product).order_by(Product.id).limit(PAGE + 1).offset((page - 1) * PAGE)
    if category:
        query = query.where(Product.category == category)
    found = db.session.scalars(query).all()
    return render_template(
        "products.html", products=found[:PAGE], page=page, category=category, has_more=len(found) > PAGE
    )


@blueprint.get("/products/<int:product_id>")
def product(product_id: int) -> ResponseReturnValue:
    item = db.session.scalar(ITEM, {"id": product_id})
    if item is None:
        abort(404)
    alike = {"id": item.id, "category": item.category, "price_cents": item.price_cents}
    return render_template(
        "product.html",
        product=item,
        reviews=db.session.execute(REVIEWS, {"id": item.id}).all(),
        related=db.session.execute(RELATED_ITEMS, alike).all(),
    )
