"""A small but real Flask shop; `create_app` makes it, nothing happens at import."""

from collections.abc import Mapping

from flask import Flask

from shop import database, instance, seed
from shop.async_views import Shop
from shop.money import format_cents
from shop.views import (
    accounts,
    cart,
    catalogue,
    dashboard,
    downloads,
    events,
    links,
    orders,
    reports,
    uploads,
)

BLUEPRINTS = (
    accounts.blueprint,
    cart.blueprint,
    catalogue.blueprint,
    dashboard.blueprint,
    downloads.blueprint,
    events.blueprint,
    links.blueprint,
    orders.blueprint,
    reports.blueprint,
    uploads.blueprint,
)


def create_app(config: Mapping[str, object] | None = None) -> Flask:
    """Make the shop from its defaults, then the environment's FLASK_ variables, then *config*."""
    app = Shop(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 64 * 1024 * 1024
    app.config.from_prefixed_env()
    app.config.from_mapping(config or {})
    instance.complete(app)
    database.init_app(app)
    accounts.login.init_app(app)
    app.add_template_filter(format_cents, "money")
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.cli.add_command(seed.init_db_command)
    app.cli.add_command(seed.seed_command)
    return app
