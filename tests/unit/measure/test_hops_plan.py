"""Keeping what was measured: the counts in the plan's file, and the dated record beside it."""

from __future__ import annotations

import json
import tomllib
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from gunwale.errors import ConfigurationError
from gunwale.measure import hops_plan
from gunwale.plan.load import load

if TYPE_CHECKING:
    from pathlib import Path

COUNTS = {"x_for": 2, "x_proto": 1, "x_host": 0, "x_port": 0, "x_prefix": 0}
LINE = "hops = { x_for = 2, x_proto = 1, x_host = 0, x_port = 0, x_prefix = 0 }"


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("gunwale.toml", "", f"[proxies]\n{LINE}\n"),
        ("gunwale.toml", "[serve]\nworkers = 2\n", f"[serve]\nworkers = 2\n\n[proxies]\n{LINE}\n"),
        ("gunwale.toml", "[serve]", f"[serve]\n\n[proxies]\n{LINE}\n"),
        (
            "gunwale.toml",
            '# why\n[proxies]   # here\nchain = ["alb"]\n\n[serve]\n',
            f'# why\n[proxies]   # here\n{LINE}\nchain = ["alb"]\n\n[serve]\n',
        ),
        (
            "gunwale.toml",
            '[proxies]\r\nchain = [\r\n  "alb",\r\n]\r\n  hops  =  {x_for = 1}  # old\r\n',
            f'[proxies]\r\nchain = [\r\n  "alb",\r\n]\r\n  hops  =  {LINE[7:]}  # old\r\n',
        ),
        ("gunwale.toml", "[proxies]", f"[proxies]\n{LINE}\n"),
        (
            "pyproject.toml",
            '[project]\nname = "shop"\n[tool.gunwale.proxies]\nchain = ["alb"]\n',
            f'[project]\nname = "shop"\n[tool.gunwale.proxies]\n{LINE}\nchain = ["alb"]\n',
        ),
        (
            "pyproject.toml",
            '[tool.gunwale]\napp = "shop:app"',
            f'[tool.gunwale]\napp = "shop:app"\n\n[tool.gunwale.proxies]\n{LINE}\n',
        ),
    ],
)
def test_apply_writes_one_line_and_disturbs_no_other_byte(
    tmp_path: Path, name: str, before: str, after: str
) -> None:
    path = tmp_path / name
    path.write_bytes(before.encode())

    assert hops_plan.apply(path, COUNTS)

    assert path.read_bytes().decode() == after
    assert not hops_plan.apply(path, COUNTS), "the second time there is nothing to change"


@pytest.mark.parametrize(
    "text",
    [
        'proxies = {chain = ["alb"]}\n',
        'proxies.chain = ["alb"]\n',
        "[proxies.hops]\nx_for = 1\n",
        "[proxies]\nhops = {\n  x_for = 1 }\n",
    ],
)
def test_what_cannot_be_changed_line_by_line_is_left_alone_with_the_line_to_write(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "gunwale.toml"
    path.write_text(text)

    with pytest.raises(ConfigurationError, match="write it by hand") as caught:
        hops_plan.apply(path, COUNTS)

    assert path.read_text() == text
    assert LINE in str(caught.value)


def test_the_plan_reads_what_apply_wrote(tmp_path: Path) -> None:
    (tmp_path / "gunwale.toml").write_text('[proxies]\nchain = ["caddy", "caddy-trusted"]\n')

    hops_plan.apply(tmp_path / "gunwale.toml", COUNTS)

    assert load(tmp_path, environ={}).flat()["proxies.hops"] == COUNTS
    assert tomllib.loads((tmp_path / "gunwale.toml").read_text())["proxies"]["chain"] == [
        "caddy",
        "caddy-trusted",
    ]


def test_the_record_holds_the_date_the_chain_and_its_hash(tmp_path: Path) -> None:
    chain = ["cloudflare", {"name": "alb", "for": "append"}]

    path = hops_plan.record(tmp_path, {"url": "https://shop.example/"}, chain)

    kept = json.loads(path.read_text())
    assert path.name == "gunwale.hops.json"
    assert datetime.fromisoformat(kept["measured_at"]).tzinfo is not None
    assert kept["chain"] == chain
    assert kept["chain_sha256"] == hops_plan.chain_hash(chain)
    assert kept["result"] == {"url": "https://shop.example/"}


def test_the_hash_of_a_chain_follows_its_layers_and_not_the_order_of_a_layers_keys() -> None:
    one = hops_plan.chain_hash([{"name": "alb", "for": "append"}, "caddy"])

    assert one == hops_plan.chain_hash([{"for": "append", "name": "alb"}, "caddy"])
    assert one != hops_plan.chain_hash(["caddy", {"name": "alb", "for": "append"}])
