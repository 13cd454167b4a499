"""The application's name, as servers without a loader of their own read it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from gunwale.runtime.application import ApplicationNameError, load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SOURCE = """
class Shop:
    def __init__(self, *args, **kwargs):
        self.args, self.kwargs = args, kwargs
    def __call__(self, environ, start_response):
        return []

shop = application = Shop("made at import")
create = Shop
number = 7
class wsgi:
    app = shop
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "the_shop.py").write_text(SOURCE)
    (tmp_path / "a_broken_shop.py").write_text("import no_such_module_of_ours\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    sys.modules.pop("the_shop", None)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("the_shop:shop", (("made at import",), {})),
        ("the_shop", (("made at import",), {})),
        ("the_shop:wsgi.app", (("made at import",), {})),
        ("the_shop:create()", ((), {})),
        ("the_shop:create('production', debug=False)", (("production",), {"debug": False})),
    ],
)
def test_variables_and_factories_are_found(name: str, arguments: object) -> None:
    found = load(name)

    assert (found.args, found.kwargs) == arguments  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("the_shop:shpo", ApplicationNameError, "'the_shop' has no 'shpo'"),
        ("the_shop:number", ApplicationNameError, "is 7, not a WSGI application"),
        ("the_shop:create(open('secrets'))", ApplicationNameError, "a factory with literal arguments"),
        ("the_shop:shop; number", ApplicationNameError, "a variable, or a factory"),
        ("no_shop:shop", ApplicationNameError, "No module named 'no_shop', where"),
        ("a_broken_shop:shop", ModuleNotFoundError, "No module named 'no_such_module_of_ours'"),
    ],
)
def test_what_is_wrong_is_told(name: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message.replace("(", r"\(")):
        load(name)
