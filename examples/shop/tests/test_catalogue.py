import pytest
from flask import Flask
from flask.testing import FlaskClient


def test_index_shows_the_best_liked(client: FlaskClient) -> None:
    page = client.get("/").text

    assert page.count('<a href="/products/') == 8


def test_products_are_paged(client: FlaskClient) -> None:
    first, last = client.get("/products").text, client.get("/products?page=9").text

    assert "/products/1" in first
    assert 'href="/products?page=2"' in first
    assert "/products/200" in last
    assert "page=10" not in last


def test_products_of_one_category_are_only_those(client: FlaskClient) -> None:
    page = client.get("/products?category=ropes").text

    assert page.count("rope No.") == 24
    assert "sail No." not in page


def test_products_are_none_in_an_unknown_category_whose_name_is_escaped(client: FlaskClient) -> None:
    page = client.get("/products?category=<b>").text

    assert "Nothing here" in page
    assert "<b>" not in page.lower()


@pytest.mark.parametrize("page", ["0", "10001", "one", ""])
def test_page_out_of_bounds_is_refused(client: FlaskClient, page: str) -> None:
    assert client.get(f"/products?page={page}").status_code == 400


def test_product_page_has_related_products_and_reviews(client: FlaskClient) -> None:
    page = client.get("/products/3").text

    assert page.count('<a href="/products/') == 4
    assert page.count("<article>") >= 8
    assert "of 5 stars" in page


def test_product_that_does_not_exist_is_not_found(client: FlaskClient) -> None:
    assert client.get("/products/201").status_code == 404


def test_shop_without_products_has_pages(empty_app: Flask) -> None:
    client = empty_app.test_client()

    assert "Nothing here" in client.get("/").text
    assert "Nothing here" in client.get("/products").text
