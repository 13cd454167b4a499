"""Logging in and out."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import (  # type: ignore[import-untyped]
    LoginManager,
    current_user,
    login_required,
    login_user,
    logout_user,
)
from sqlalchemy import select
from werkzeug.security import check_password_hash

from shop.database import db
from shop.models import User

blueprint = Blueprint("accounts", __name__)
login = LoginManager()
login.login_view = "accounts.show_login"


@login.user_loader  # type: ignore[untyped-decorator]
def _load(user_id: str) -> User | None:
    return db.session.get(User, int(user_id))


def current_id() -> int | None:
    """The id of who is logged in."""
    return current_user.id if current_user.is_authenticated else None


@blueprint.get("/login")
def show_login() -> ResponseReturnValue:
    return render_template("login.html", has_failed=False)


@blueprint.post("/login")
def log_in() -> ResponseReturnValue:
    user = db.session.scalar(select(User).where(User.name == request.form.get("name", "")))
    if user is None or not check_password_hash(user.password_hash, request.form.get("password", "")):
        return render_template("login.html", has_failed=True), 401
    login_user(user)
    return redirect(url_for("accounts.account"), 303)


@blueprint.post("/logout")
def log_out() -> ResponseReturnValue:
    logout_user()
    return redirect(url_for("catalogue.index"), 303)


@blueprint.get("/account")
@login_required  # type: ignore[untyped-decorator]
def account() -> ResponseReturnValue:
    return render_template("account.html", user=current_user)
