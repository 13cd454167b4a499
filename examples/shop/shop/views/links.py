"""Links as a mail or a payment provider would get them: right only if the proxies' fields are understood."""

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

blueprint = Blueprint("links", __name__)


@blueprint.get("/links")
def links() -> ResponseReturnValue:
    return {
        "index": url_for("catalogue.index", _external=True),
        "product": url_for("catalogue.product", product_id=1, _external=True),
        "login": url_for("accounts.show_login", _external=True),
        "client": request.remote_addr,
        "is_secure": request.is_secure,
    }
