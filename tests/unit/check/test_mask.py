"""A secret's value is never shown; everything else of its line is."""

from __future__ import annotations

import pytest

from gunwale.check.mask import mask


@pytest.mark.parametrize(
    ("line", "is_code", "shown"),
    [
        ("SECRET_KEY = 'abc'", True, "SECRET_KEY = '…'"),
        ("x = os.environ.get('SECRET_KEY') or 'abc'", True, "x = os.environ.get('SECRET_KEY') or '…'"),
        ('app.config["SECRET_KEY"] = "a\\"bc"', True, 'app.config["SECRET_KEY"] = "…"'),
        ("POSTGRES_PASSWORD: hunter2", False, "POSTGRES_PASSWORD: …"),
        ("ENV API_KEY=abc X=1", False, "ENV API_KEY=… X=1"),
        ("ENV API_KEY abc", False, "ENV API_KEY …"),
        ("- DB_PASSWORD=${DB_PASSWORD}", False, "- DB_PASSWORD=${DB_PASSWORD}"),
        ("url = 'postgresql://shop:hunter2@db/shop'", True, "url = 'postgresql://shop:…@db/shop'"),
        ('CMD ["gunicorn", "app:app"]', False, 'CMD ["gunicorn", "app:app"]'),
    ],
)
def test_what_follows_a_secrets_name_is_hidden(line: str, is_code: bool, shown: str) -> None:
    assert mask(line, is_code=is_code) == shown
