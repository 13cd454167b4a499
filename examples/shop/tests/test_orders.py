import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient
from shop.database import db
from shop.models import Product
from shop.seed import STOCK
from werkzeug.test import TestResponse


def place(client: FlaskClient, key: str, **form: object) -> TestResponse:
    return client.post("/orders", headers={"Idempotency-Key": key}, data=form)


def stock(app: Flask, product_id: int) -> int:
    with app.app_context():
        return db.session.get_one(Product, product_id).stock


def count(client: FlaskClient) -> int:
    return int(json.loads(client.get("/orders/count").data)["count"])


def test_order_is_placed_once_and_repeated_word_for_word(app: Flask, client: FlaskClient) -> None:
    first = place(client, "k-1", product_id=5, quantity=3)
    again = place(client, "k-1", product_id=5, quantity=3)

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.data == first.data
    assert again.location == first.location
    assert client.get(first.location).data == first.data
    assert count(client) == 1
    assert stock(app, 5) == STOCK - 3


def test_order_names_its_lines_and_total(client: FlaskClient) -> None:
    order = json.loads(place(client, "k-1", product_id=5, quantity=3).data)

    (line,) = order["lines"]
    assert (line["product_id"], line["quantity"]) == (5, 3)
    assert order["total_cents"] == 3 * line["price_cents"]


def test_orders_with_one_key_at_the_same_time_are_one_order(app: Flask) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: place(app.test_client(), "k-1", product_id=5, quantity=1), range(24))
        )

    assert sorted(answer.status_code for answer in answers) == [200] * 23 + [201]
    assert len({answer.data for answer in answers}) == 1
    assert stock(app, 5) == STOCK - 1


def test_orders_with_other_keys_at_the_same_time_are_all_placed(app: Flask) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda n: place(app.test_client(), f"k-{n}", product_id=5, quantity=2), range(40))
        )

    assert [answer.status_code for answer in answers] == [201] * 40
    assert count(app.test_client()) == 40
    assert stock(app, 5) == STOCK - 80


@pytest.mark.parametrize("key", ["", "k" * 65])
def test_order_without_a_usable_key_is_refused(client: FlaskClient, key: str) -> None:
    assert place(client, key, product_id=5, quantity=1).status_code == 400
    assert count(client) == 0


@pytest.mark.parametrize(
    "form",
    [{}, {"product_id": 201}, {"product_id": 5, "quantity": 0}, {"product_id": 5, "quantity": 100}],
    ids=["empty cart", "unknown product", "quantity 0", "quantity 100"],
)
def test_order_of_nothing_for_sale_is_refused(client: FlaskClient, form: dict[str, object]) -> None:
    assert place(client, "k-1", **form).status_code == 400
    assert count(client) == 0


def test_key_of_another_order_is_refused(client: FlaskClient) -> None:
    place(client, "k-1", product_id=5, quantity=1)

    assert place(client, "k-1", product_id=5, quantity=2).status_code == 422
    assert count(client) == 1


def test_order_beyond_the_stock_leaves_nothing_behind(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        db.session.get_one(Product, 5).stock = 1
        db.session.commit()

    assert place(client, "k-1", product_id=5, quantity=2).status_code == 409
    assert count(client) == 0
    assert stock(app, 5) == 1


def test_order_of_the_cart_takes_its_key_from_the_form_and_empties_it(client: FlaskClient) -> None:
    client.post("/cart/add", data={"product_id": 7, "quantity": 2})
    client.post("/cart/add", data={"product_id": 5})

    order = client.post("/orders", data={"id": "k-1"})

    lines = json.loads(order.data)["lines"]
    assert order.status_code == 201
    assert [(line["product_id"], line["quantity"]) for line in lines] == [(5, 1), (7, 2)]
    assert "Nothing here" in client.get("/cart").text


def test_order_of_the_cart_whose_answer_was_lost_can_be_repeated(client: FlaskClient) -> None:
    client.post("/cart/add", data={"product_id": 7})
    cart = client.get_cookie("session")
    assert cart is not None
    first = client.post("/orders", data={"id": "k-1"})
    client.set_cookie("session", cart.value)

    again = client.post("/orders", data={"id": "k-1"})

    assert (again.status_code, again.data) == (200, first.data)
    assert "Nothing here" in client.get("/cart").text


def test_order_of_an_account_is_seen_by_its_owner_only(app: Flask, client: FlaskClient) -> None:
    client.post("/login", data={"name": "demo", "password": "demo-password"})
    order = place(client, "k-1", product_id=5, quantity=1)
    stranger = app.test_client()

    assert client.get(order.location).data == order.data
    assert json.loads(order.data)["id"] in client.get("/account").text
    assert stranger.get(order.location).status_code == 404
    assert place(stranger, "k-1", product_id=5, quantity=1).status_code == 422


def test_cart_adds_up_to_its_limit(client: FlaskClient) -> None:
    for _ in range(3):
        client.post("/cart/add", data={"product_id": 7, "quantity": 40})

    assert "99 × " in client.get("/cart").text


def test_cart_that_would_not_fit_a_cookie_is_refused(client: FlaskClient) -> None:
    answers = [client.post("/cart/add", data={"product_id": n}).status_code for n in range(1, 52)]

    assert answers == [303] * 50 + [400]


def test_cart_of_an_unknown_product_is_not_found(client: FlaskClient) -> None:
    assert client.post("/cart/add", data={"product_id": 201}).status_code == 404
