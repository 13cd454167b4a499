"""What the plan says of a chain beyond its counts: each step, and each thing that is lost on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gunwale.plan import chain, explain, trust

if TYPE_CHECKING:
    from .conftest import Load, Refuse, Write


def told(*names: str) -> str:
    return "\n".join(doubt.message for doubt in trust.doubts(chain.layers(names)))


def test_the_fold_is_told_layer_by_layer() -> None:
    line = trust.summary(chain.layers(["cloudflare", "alb"]), "for")

    assert line == "cloudflare append, alb append → 2 trusted, wanted value at 2 → 2"


def test_each_step_says_what_it_means() -> None:
    steps = trust.steps(chain.layers(["cloudflare", "caddy"]), "for")

    assert [(step.layer, step.known.trusted, step.known.position) for step in steps] == [
        ("cloudflare", 1, 1),
        ("caddy", 1, 0),
    ]
    assert steps[0].meaning == "adds the address of the client"
    assert steps[1].meaning == "writes the address of cloudflare over it: the wanted value is gone"


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (["cloud-run"], "cloud-run: reports differ"),
        (["app-runner"], "app-runner: undocumented"),
        (["haproxy-forwardfor-if-none"], "any client can choose it"),
        (["haproxy"], "X-Forwarded-For is written by no layer: haproxy lets the client's own through"),
        (["nginx", "nginx-overwrite"], "the client's address is lost at nginx-overwrite"),
        (["cloudflare", "caddy"], "the client's address is lost at caddy"),
        (
            ["haproxy", "nginx-real-ip"],
            "nginx-real-ip works the client out of a list that any client can write",
        ),
        (["alb", "alb"], "the client's scheme is lost at alb, which writes the scheme of alb → alb"),
        (
            ["cloudfront", "alb"],
            "X-Forwarded-Proto is the scheme of the hop cloudfront → alb, not of the client",
        ),
        (["cloudfront", "alb"], "cloudfront replaces Host, and no field has the client's"),
        (
            ["haproxy-set-proto", "apache"],
            "a client can have X-Forwarded-For removed at apache, by naming it in Connection",
        ),
        (["haproxy-set-proto", "caddy-trusted"], "and another value takes its place: 0 is taken"),
        (
            ["haproxy-forwardfor"],
            "X-Forwarded-Proto is written by no layer: haproxy-forwardfor lets it through",
        ),
    ],
)
def test_what_is_lost_is_said_with_the_layer_that_loses_it(layers: list[str], message: str) -> None:
    assert message in told(*layers)


@pytest.mark.parametrize(
    "layers",
    [
        pytest.param(["caddy"], id="everything arrives"),
        pytest.param(["cloudflare", "caddy-trusted"], id="two that agree"),
        pytest.param(["api-gateway-http", "alb"], id="Forwarded has what X-Forwarded-For lost"),
        pytest.param(["nlb-proxy-protocol", "ingress-nginx"], id="a transparent layer takes nothing away"),
    ],
)
def test_a_sound_chain_raises_no_doubt(layers: list[str]) -> None:
    assert told(*layers) == ""


def test_against_a_removal_there_is_a_directive_of_the_first_layer() -> None:
    (doubt,) = trust.doubts(chain.layers(["apache-preserve-host"]))

    assert doubt.hint.endswith("RequestHeader unset Connection early")


def test_a_measured_count_that_a_client_can_move_is_refused(refusal: Refuse) -> None:
    told = refusal(sets=["proxies.chain=haproxy-set-proto,caddy-trusted", "proxies.hops={x_proto = 1}"])

    assert "x_proto is 1, but of the declared chain's values 0 cannot be forged" in told


@pytest.mark.parametrize(
    ("layers", "is_told"),
    [
        (["haproxy-forwardfor"], True),
        (["haproxy-forwardfor", "caddy-trusted"], False),
        (["google-lb"], False),
    ],
)
def test_an_alias_that_passes_the_whole_chain_is_told_to_proxyfix(
    plan: Load, layers: list[str], is_told: bool
) -> None:
    limits = explain.proxy_fix_limits(plan(sets=[f"proxies.chain={','.join(layers)}"]))

    assert any("uWSGI, Granian and Cheroot" in limit for limit in limits) is is_told


def test_ways_in_that_differ_are_named_with_both_counts(plan: Load, write: Write) -> None:
    write("gunwale.toml", "[proxies]\nchain = ['cloudflare', 'caddy-trusted']\ndoors = [['caddy']]\n")

    loaded = plan()

    messages = [problem.message for problem in loaded.problems]
    assert "x_for is 2 through cloudflare → caddy-trusted, 1 through caddy: 0 is taken" in messages
    assert loaded.flat()["proxies.hops"] == {
        "x_for": 0,
        "x_proto": 1,
        "x_host": 0,
        "x_port": 0,
        "x_prefix": 0,
    }


def test_a_door_without_any_proxy_leaves_nothing_to_believe(plan: Load) -> None:
    loaded = plan(sets=["proxies.chain=caddy", "proxies.doors=[[]]"])

    assert "x_for is 1 through caddy, 0 through a direct door: 0 is taken" in [
        p.message for p in loaded.problems
    ]


def test_measured_counts_settle_what_is_only_unknown(plan: Load, write: Write) -> None:
    write("gunwale.toml", "[proxies]\nchain = ['cloud-run']\nhops = {x_for = 2, x_proto = 1}\n")

    loaded = plan()

    assert loaded.flat()["proxies.hops"] == {
        "x_for": 2,
        "x_proto": 1,
        "x_host": 0,
        "x_port": 0,
        "x_prefix": 0,
    }
    assert not [problem for problem in loaded.problems if problem.key.startswith("proxies.")]


def test_counts_can_be_given_without_a_chain(plan: Load) -> None:
    hops = plan(sets=["proxies.hops={x_for = 1}"]).flat()["proxies.hops"]

    assert hops == {"x_for": 1, "x_proto": 0, "x_host": 0, "x_port": 0, "x_prefix": 0}


def test_a_count_above_what_the_chain_guarantees_is_refused(refusal: Refuse) -> None:
    told = refusal(sets=["proxies.chain=alb", "proxies.hops={x_for = 2, x_proto = 1}"])

    assert "x_for is 2, but of the declared chain's values 1 cannot be forged" in told


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{x_fro = 1}", "did you mean 'x_for'?"),
        ("{x_for = -1}", "x_for should be a count from 0 to 20, not -1"),
        ("{x_for = true}", "x_for should be a count from 0 to 20, not True"),
    ],
)
def test_counts_that_are_none_are_refused(refusal: Refuse, value: str, message: str) -> None:
    assert message in refusal(sets=[f"proxies.hops={value}"])


@pytest.mark.parametrize("value", ["alb", '["alb"]', '[["abl"]]'])
def test_doors_that_are_no_chains_are_refused(refusal: Refuse, value: str) -> None:
    assert "proxies.doors" in refusal(sets=["proxies.chain=alb", f"proxies.doors={value}"])


def test_proxyfix_has_no_line_where_only_forwarded_tells_of_the_client(plan: Load) -> None:
    loaded = plan(sets=["proxies.chain=api-gateway-http,alb"])

    assert explain.proxy_fix(loaded) == ""
    assert "it reads no such field" in explain.proxy_fix_limits(loaded)[0]
