"""``gunwale hops`` as it is typed: exit codes, both forms of the answer, --apply and --record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from gunwale.cli.hops import command
from gunwale.errors import ConfigurationError, GunwaleError, StartError
from live import free_port
from simulated_chain import ADDRESS, SCHEME, Chain, Exchange, response

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

TOKEN = "a token of 32 characters or more."


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def hops(*words: str) -> Result:
    result = CliRunner().invoke(command, words, obj={"config": None})
    if isinstance(result.exception, GunwaleError):
        raise result.exception
    return result


def test_a_safe_chain_exits_0_with_a_table_and_the_line_for_proxy_fix() -> None:
    with Chain([{ADDRESS: "append", SCHEME: "overwrite"}]).serving() as url:
        result = hops(url)

    assert result.exit_code == 0
    assert "x-forwarded-for" in result.stdout
    assert "ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=0, x_port=0, x_prefix=0)" in result.stdout
    assert "inside view" in result.stdout


def test_an_unsafe_count_of_the_plan_exits_1_with_the_curl(folder: Path) -> None:
    (folder / "gunwale.toml").write_text('[proxies]\nchain = ["caddy", "caddy-trusted"]\n')
    with Chain([{ADDRESS: "append"}]).serving() as url:
        result = hops(url, "--format", "json")

    document = json.loads(result.stdout)
    assert result.exit_code == 1
    assert document["configured"]["x_for"] == 2
    assert document["fields"]["x-forwarded-for"]["verdict"] == "UNSAFE"
    assert document["spoofs"][0].startswith("curl ")


def test_nobody_at_the_url_is_exit_3() -> None:
    with pytest.raises(StartError, match="cannot be reached"):
        hops(f"http://127.0.0.1:{free_port()}/")


def test_an_answer_that_is_no_echo_is_exit_3() -> None:
    with Chain(before=lambda _: response(404)).serving() as url, pytest.raises(StartError, match="404"):
        hops(url)


def test_a_redirect_says_where_to_ask() -> None:
    def redirects(_: Exchange) -> bytes:
        return response(301, Location="https://shop.example/echo")

    with (
        Chain(before=redirects).serving() as url,
        pytest.raises(StartError, match=r"https://shop\.example/echo"),
    ):
        hops(url)


@pytest.mark.parametrize(
    "url", ["shop.example", "ftp://shop.example/", "http://", "http://u:p@shop.example/"]
)
def test_what_is_no_url_is_a_usage_error(url: str) -> None:
    with pytest.raises(ConfigurationError, match="URL"):
        hops(url)


def test_an_address_that_is_none_is_a_usage_error() -> None:
    with pytest.raises(ConfigurationError, match="--address"):
        hops("http://127.0.0.1/", "--address", "here")


def test_apply_without_a_plan_file_is_a_usage_error() -> None:
    with pytest.raises(ConfigurationError, match="no plan file"):
        hops("http://127.0.0.1/", "--apply")


def test_apply_and_record_keep_what_was_measured(folder: Path) -> None:
    plan = folder / "gunwale.toml"
    plan.write_text('# the chain\n[proxies]\nchain = ["cloud-run"]\n')
    with Chain([{ADDRESS: "append2"}]).serving() as url:
        result = hops(url, "--apply", "--record")

    assert "x_for = 2" in plan.read_text()
    assert json.loads((folder / "gunwale.hops.json").read_text())["chain"] == ["cloud-run"]
    assert "recorded in" in result.stderr


def test_apply_writes_nothing_where_something_is_undecided(folder: Path) -> None:
    (folder / "gunwale.toml").write_text("[proxies]\n")
    chain = Chain([{ADDRESS: "append"}], addresses=lambda *_: "127.0.0.1")
    with chain.serving() as url:
        result = hops(url, "--source", "127.0.0.1", "--apply")

    assert result.exit_code == 3
    assert (folder / "gunwale.toml").read_text() == "[proxies]\n"
    assert "not applied" in result.stderr


def test_the_token_is_sent_as_a_field_to_the_echo_of_the_runtime_and_never_shown() -> None:
    asked: list[Exchange] = []
    chain = Chain([{ADDRESS: "append"}], before=asked.append)
    with chain.serving() as url:
        result = hops(url.removesuffix("/echo"), "--token", TOKEN, "--door", url)

    assert {tuple(each.lines["gunwale-echo-token"]) for each in asked} == {(TOKEN,)}
    assert any(each.target.startswith("/.gunwale/echo?") for each in asked)
    assert TOKEN not in result.output


def test_the_token_goes_into_the_query_only_when_told_and_is_not_shown() -> None:
    asked: list[Exchange] = []
    chain = Chain([{ADDRESS: "pass"}], before=asked.append, sees=believes_the_last)
    with chain.serving() as url:
        result = hops(f"{url}?a=b", "--token", "a token/with&signs, 24+ long", "--token-in-query")

    assert all("gunwale-echo-token" not in each.lines for each in asked)
    assert all(
        each.target.endswith("&gunwale-echo-token=a%20token%2Fwith%26signs%2C%2024%2B%20long")
        for each in asked
    )
    assert "a%20token" not in result.output
    assert f"'{url}?a=b&gunwale-echo-token='\"$TOKEN\"" in result.stdout


def test_without_a_token_there_is_none_for_the_query() -> None:
    with pytest.raises(ConfigurationError, match="--token-in-query"):
        hops("http://127.0.0.1/", "--token-in-query")


def believes_the_last(raw: dict[str, str]) -> dict[str, str]:
    return raw | {"REMOTE_ADDR": raw.get("HTTP_X_FORWARDED_FOR", "-").rpartition(",")[2]}


def test_without_a_chain_the_counts_of_the_applications_own_proxyfix_are_judged() -> None:
    own = {"x_for": 1, "x_proto": 1, "x_host": 1, "x_port": 0, "x_prefix": 0}
    with Chain([{ADDRESS: "append"}], proxy_fix=[own]).serving() as url:
        result = hops(url, "--format", "json")

    document = json.loads(result.stdout)
    assert document["configured"] == own
    assert document["fields"]["x-forwarded-host"]["verdict"] == "UNSAFE"
    assert "held against the counts of the application's own ProxyFix" in document["notes"]


def test_of_two_proxyfix_no_count_is_taken() -> None:
    own = {"x_for": 1, "x_proto": 1, "x_host": 0, "x_port": 0, "x_prefix": 0}
    with Chain([{ADDRESS: "append"}], proxy_fix=[own, own]).serving() as url:
        document = json.loads(hops(url, "--format", "json").stdout)

    assert document["configured"] == {}
    assert any("2 ProxyFix, one in the other" in note for note in document["notes"])


def test_apply_leaves_a_plan_whose_chain_forbids_the_counts_as_it_was(folder: Path) -> None:
    (folder / "gunwale.toml").write_text('[proxies]\nchain = ["caddy"]\n')
    with (
        Chain([{ADDRESS: "append"}, {ADDRESS: "append"}]).serving() as url,
        pytest.raises(ConfigurationError, match="cannot be forged"),
    ):
        hops(url, "--apply")

    assert (folder / "gunwale.toml").read_text() == '[proxies]\nchain = ["caddy"]\n'
