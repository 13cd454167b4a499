from flask.testing import FlaskClient

DEMO = {"name": "demo", "password": "demo-password"}


def test_account_asks_for_a_login(client: FlaskClient) -> None:
    answer = client.get("/account")

    assert answer.status_code == 302
    assert answer.location.startswith("/login")


def test_login_leads_to_the_account(client: FlaskClient) -> None:
    assert client.post("/login", data=DEMO).location == "/account"
    assert "<h1>demo</h1>" in client.get("/account").text


def test_login_with_a_wrong_name_or_password_is_refused(client: FlaskClient) -> None:
    for wrong in ({"name": "nobody"}, {"password": "wrong"}):
        answer = client.post("/login", data=DEMO | wrong)

        assert answer.status_code == 401
        assert "is wrong" in answer.text
    assert client.get("/account").status_code == 302


def test_logout_ends_the_login(client: FlaskClient) -> None:
    client.post("/login", data=DEMO)

    assert client.post("/logout").location == "/"
    assert client.get("/account").status_code == 302


def test_logout_by_a_link_is_refused(client: FlaskClient) -> None:
    assert client.get("/logout").status_code == 405
