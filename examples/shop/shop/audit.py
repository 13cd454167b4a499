"""What the shop has stored, for whoever wants to know whether any of it was lost."""

from sqlalchemy import select

from shop.database import db
from shop.models import Order


def order_keys() -> list[str]:
    """Return the key of every order; needs an application context."""
    return list(db.session.scalars(select(Order.key)))
