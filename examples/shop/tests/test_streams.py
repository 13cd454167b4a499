import hashlib
import json
import time

import pytest
from flask.testing import FlaskClient

BLOCK = 65_536


def expected(size: int) -> bytes:
    """The download's content, written down a second time, byte by byte."""

    def byte(position: int) -> int:
        number, offset = divmod(position, BLOCK)
        return number.to_bytes(8, "big")[offset] if offset < 8 else offset % 256

    return bytes(byte(position) for position in range(size))


@pytest.mark.parametrize("size", [0, 1, 8, 9, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 17])
def test_download_is_foretold_byte_for_byte(client: FlaskClient, size: int) -> None:
    answer = client.get(f"/download?bytes={size}")

    assert answer.content_length == size
    assert answer.data == expected(size)


def test_download_is_20_mb_unless_said_otherwise(client: FlaskClient) -> None:
    assert len(client.get("/download").data) == 20_000_000


def test_download_may_be_chunked(client: FlaskClient) -> None:
    answer = client.get("/download?bytes=70000&chunked=1")

    assert answer.content_length is None
    assert answer.data == expected(70_000)


@pytest.mark.parametrize(
    "path",
    [
        "/download?bytes=-1",
        "/download?bytes=2000000001",
        "/report?seconds=nan",
        "/report?seconds=121",
        "/events?count=0",
        "/dashboard?seconds=x",
    ],
)
def test_number_out_of_bounds_is_refused(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 400


def test_events_count_the_orders(client: FlaskClient) -> None:
    client.post("/orders", data={"id": "k-1", "product_id": 5})

    answer = client.get("/events?count=2&interval=0")

    assert answer.mimetype == "text/event-stream"
    assert answer.text == 'id: 1\ndata: {"orders": 1}\n\nid: 2\ndata: {"orders": 1}\n\n'


def test_events_end_when_the_server_drains(client: FlaskClient) -> None:
    asked: list[bool] = []

    def is_draining() -> bool:
        asked.append(True)
        return len(asked) > 5

    answer = client.get("/events?interval=0.15", environ_overrides={"gunwale.draining": is_draining})

    assert answer.text.startswith("id: 1\n")
    assert answer.text.endswith("\n\nevent: draining\ndata: {}\n\n")


def test_events_of_a_draining_server_are_only_that(client: FlaskClient) -> None:
    answer = client.get("/events", environ_overrides={"gunwale.draining": lambda: True})

    assert answer.text == "event: draining\ndata: {}\n\n"


def test_upload_is_measured_and_hashed(client: FlaskClient) -> None:
    body = expected(200_000)

    answer = client.post("/upload", data=body)

    assert answer.json == {"size": 200_000, "sha256": hashlib.sha256(body).hexdigest()}


def test_upload_above_the_limit_is_refused(client: FlaskClient) -> None:
    client.application.config["MAX_CONTENT_LENGTH"] = 1000

    assert client.post("/upload", data=bytes(1001)).status_code == 413


def test_report_sums_up_the_sales_by_category(client: FlaskClient) -> None:
    order = json.loads(client.post("/orders", data={"id": "k-1", "product_id": 5, "quantity": 4}).data)

    categories = json.loads(client.get("/report?seconds=0").data)["categories"]

    assert len(categories) == 8
    assert [(c["sold"], c["revenue_cents"]) for c in categories if c["sold"]] == [(4, order["total_cents"])]


def test_report_takes_its_time(client: FlaskClient) -> None:
    began = time.monotonic()
    client.get("/report?seconds=0.2")

    assert time.monotonic() - began >= 0.2


def test_dashboard_asks_all_at_once(client: FlaskClient) -> None:
    began = time.monotonic()
    answer = client.get("/dashboard?seconds=1")

    assert json.loads(answer.data).keys() == {"freight", "stock", "weather"}
    assert 1 <= time.monotonic() - began < 2


def test_links_are_external(client: FlaskClient) -> None:
    links = json.loads(client.get("/links", base_url="https://shop.example/store").data)

    assert links["product"] == "https://shop.example/store/products/1"
    assert links["is_secure"] is True
