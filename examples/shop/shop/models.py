"""The tables."""

import time
import uuid

from sqlalchemy import CheckConstraint, ForeignKey, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    """The declarative base that Flask-SQLAlchemy shares."""


class Product(Base):
    __tablename__ = "product"
    __table_args__ = (CheckConstraint("stock >= 0"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    category: Mapped[str] = mapped_column(String(40), index=True)
    description: Mapped[str] = mapped_column(Text)
    price_cents: Mapped[int]
    stock: Mapped[int]


class Review(Base):
    __tablename__ = "review"

    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"), index=True)
    author: Mapped[str] = mapped_column(String(40))
    stars: Mapped[int]
    text: Mapped[str] = mapped_column(Text)


class User(Base):
    __tablename__ = "account"  # "user" is a reserved word of PostgreSQL

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    password_hash: Mapped[str] = mapped_column(String(255))
    orders: Mapped[list["Order"]] = relationship(order_by="Order.created_at.desc()")

    # What Flask-Login asks of a user.
    is_active = True
    is_authenticated = True
    is_anonymous = False

    def get_id(self) -> str:
        return str(self.id)


class Order(Base):
    __tablename__ = "purchase"  # "order" is a reserved word of SQL

    # Random: whoever knows it may see an order that was placed without an account.
    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=lambda: uuid.uuid4().hex)
    # What makes a repeated POST harmless: the second INSERT of a key fails, in whatever process it runs.
    key: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"), index=True)
    created_at: Mapped[int] = mapped_column(default=lambda: int(time.time()))  # Unix time, seconds
    total_cents: Mapped[int]
    lines: Mapped[list["OrderLine"]] = relationship(order_by="OrderLine.product_id")

    def as_json(self) -> dict[str, object]:
        return {
            "id": self.id,
            "key": self.key,
            "created_at": self.created_at,
            "total_cents": self.total_cents,
            "lines": [
                {"product_id": line.product_id, "quantity": line.quantity, "price_cents": line.price_cents}
                for line in self.lines
            ],
        }


class OrderLine(Base):
    __tablename__ = "purchase_line"

    order_id: Mapped[str] = mapped_column(ForeignKey("purchase.id"), primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"), primary_key=True)
    quantity: Mapped[int]
    price_cents: Mapped[int]
