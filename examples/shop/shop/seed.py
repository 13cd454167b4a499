"""The commands that fill the database, the same way every time."""

import itertools
import random

import click
from flask.cli import with_appcontext
from sqlalchemy import Connection, func, insert, select
from werkzeug.security import generate_password_hash

from shop.database import create_tables, db, exclusive
from shop.models import Product, Review, User

PRODUCTS = 200
STOCK = 1_000_000
CATEGORIES = ("anchors", "blocks", "charts", "compasses", "fenders", "lamps", "ropes", "sails")
QUALITIES = ("Brass", "Classic", "Coastal", "Heavy", "Light", "Offshore", "Sea-going", "Stainless", "Tarred")
AUTHORS = ("Ada", "Björn", "Chen", "Dolores", "Emeka", "Frida", "Goran", "Hana", "Ines", "Joost")
OPINIONS = (
    "Held through a gale off the Skagerrak and looks as new.",
    "Arrived well packed, fits the old fitting without a shim.",
    "Heavier than the picture suggests, which is what I wanted.",
    "The finish wore off within a season; it still does its work.",
    "Would buy it again; the second one is already on the boat.",
    "Good value, although the instructions are for another model.",
)


@click.command("init-db")
@with_appcontext
def init_db_command() -> None:
    """Create the tables that are missing."""
    create_tables(db.engine)


@click.command("seed")
@click.option("--user", default="demo", show_default=True, help="Name of an account to log in with.")
@click.option("--password", default="demo-password", show_default=True, help="Its password.")
@with_appcontext
def seed_command(user: str, password: str) -> None:
    """Fill the shop with products, reviews and an account; what is there stays as it is."""
    create_tables(db.engine)
    with exclusive(db.engine) as connection:
        added = _seed_products(connection)
        _seed_user(connection, user, password)
    click.echo(f"{added} products added")


def _seed_products(connection: Connection) -> int:
    if connection.scalar(select(func.count(Product.id))):
        return 0
    rng = random.Random(7)
    connection.execute(insert(Product), [_product(rng, number) for number in range(1, PRODUCTS + 1)])
    reviews = itertools.chain.from_iterable(_reviews(rng, number) for number in range(1, PRODUCTS + 1))
    connection.execute(insert(Review), list(reviews))
    return PRODUCTS


def _product(rng: random.Random, number: int) -> dict[str, object]:
    category = CATEGORIES[number % len(CATEGORIES)]
    quality = rng.choice(QUALITIES)
    return {
        "id": number,
        "name": f"{quality} {category.removesuffix('s')} No. {number}",
        "category": category,
        "description": f"{quality} {category} for boats of {rng.randint(4, 30)} m, tested at sea.",
        "price_cents": rng.randint(450, 95_000),
        "stock": STOCK,
    }


def _reviews(rng: random.Random, product_id: int) -> list[dict[str, object]]:
    return [
        {
            "product_id": product_id,
            "author": rng.choice(AUTHORS),
            "stars": rng.randint(2, 5),
            "text": rng.choice(OPINIONS),
        }
        for _ in range(rng.randint(8, 16))
    ]


def _seed_user(connection: Connection, name: str, password: str) -> None:
    if connection.scalar(select(User.id).where(User.name == name)) is None:
        password_hash = generate_password_hash(password)
        connection.execute(insert(User), {"name": name, "password_hash": password_hash})
