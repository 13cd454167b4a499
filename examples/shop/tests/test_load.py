"""What a load asks the shop, and what the shop says of it afterwards."""

from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from shop.audit import order_keys

from gunwale.measure.load_mix import read_mix

SHOP = Path(__file__).parents[1]


def test_every_request_of_the_mix_is_answered_as_it_expects(client: FlaskClient) -> None:
    for ask in read_mix("load.toml", app="", directory=SHOP).asks:
        fields = {**ask.fields, "Idempotency-Key": "k-1"}
        answer = client.open(ask.path, method=ask.method, headers=fields, data=ask.body or b"x" * ask.size)
        assert ask.expects(answer.status_code), (ask.path, answer.status_code)


def test_keys_of_all_orders_are_told(app: Flask, client: FlaskClient) -> None:
    for key in ("k-1", "k-2", "k-1"):
        client.post("/orders", headers={"Idempotency-Key": key}, data={"product_id": 5})

    with app.app_context():
        assert sorted(order_keys()) == ["k-1", "k-2"]
