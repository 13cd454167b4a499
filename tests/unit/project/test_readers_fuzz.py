"""Every reader on bytes and on spoilt samples: it reads, it says why not, and it never fails."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gunwale.check import rule
from gunwale.project import readers
from gunwale.project.facts import Source, UnreadableError
from gunwale.project.tree import Tree

if TYPE_CHECKING:
    from pathlib import Path

_READERS = [module.name for module in pkgutil.iter_modules(readers.__path__)]
_SAMPLES = sorted(
    {
        (path, text)
        for each in rule.discover().values()
        for example in each.examples()
        for path, text in example.files.items()
    }
)
_TEXT = st.text(alphabet=st.sampled_from("{}[]()<>\"'\\$#%&*!|:;=,.- \t\n\r\x00aA0é😀"), max_size=60)


def _spoilt(text: str, cut: float, length: int, put: str) -> str:
    at = int(cut * len(text))
    return text[:at] + put + text[at + length :]


@pytest.mark.parametrize("name", _READERS)
def test_a_reader_never_fails_on_a_spoilt_sample(name: str) -> None:
    reader = importlib.import_module(f"{readers.__name__}.{name}")
    samples = [(path, text) for path, text in _SAMPLES if reader.is_one(path)] or _SAMPLES[:5]

    @settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(samples), st.floats(0, 1), st.integers(0, 40), _TEXT)
    def read(sample: tuple[str, str], cut: float, length: int, put: str) -> None:
        path, text = sample
        try:
            reader.read(Source(path, _spoilt(text, cut, length, put)))
        except UnreadableError as error:
            assert error.why  # noqa: PT017 - that it may be raised is half of what is tested

    read()


@settings(max_examples=50, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.binary(max_size=200))
def test_a_tree_gives_text_or_says_why_not_for_any_bytes(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(data)
    tree = Tree.walk(tmp_path)
    try:
        assert "\0" not in tree.read("file").text
    except UnreadableError as error:
        assert error.why  # noqa: PT017 - either is right
