"""``gunwale hops`` against simulated chains over real sockets: what it proves cannot be forged."""

from __future__ import annotations

import itertools
import json
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gunwale.errors import StartError
from gunwale.measure.hops import Request, measure
from gunwale.measure.hops_verdict import Verdict
from gunwale.plan.fold import fold
from simulated_chain import ADDRESS, HOST, PREFIX, SCHEME, Chain, Exchange, operate, response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gunwale.measure.hops_report import Result
    from gunwale.measure.hops_verdict import Judgement

OPERATIONS = ("append", "append2", "overwrite", "pass", "drop", "if-absent", "last")
# What no fold describes: there the prober may only be careful.
ODD = ("append-line", "append-first")


def measured(chain: Chain, **more: object) -> Result:
    with chain.serving() as url:
        return measure(Request(url=url)._replace(**more))  # type: ignore[arg-type]


def judged(result: Result, name: str = ADDRESS) -> Judgement:
    (found,) = (each for each in result.judgements if each.name == name)
    return found


def of_addresses(*operations: str) -> list[dict[str, str]]:
    return [{ADDRESS: operation} for operation in operations]


@pytest.mark.parametrize(
    ("operations", "mode", "trusted", "hops"),
    [
        (("append",), "appended", 1, 1),
        (("append", "append"), "appended", 2, 2),
        (("append2",), "appended", 2, 2),
        (("append-line",), "appended", 1, 1),
        (("overwrite",), "overwritten", 1, 1),
        (("overwrite", "append"), "overwritten", 2, 2),
        (("append", "overwrite"), "overwritten", 1, 0),
        (("pass",), "passed", 0, 0),
        (("drop",), "absent", 0, 0),
        (("if-absent",), "if-none", 0, 0),
        (("append-first",), "merged", 0, 0),
        (("append", "last"), "appended", 1, 1),
    ],
    ids=str,
)
def test_mode_trusted_suffix_and_count_of_a_chain(
    operations: tuple[str, ...], mode: str, trusted: int, hops: int
) -> None:
    found = judged(measured(Chain(of_addresses(*operations))))

    assert (found.mode, found.trusted, found.hops) == (mode, trusted, hops)
    assert found.verdict is (Verdict.PROVEN if hops else Verdict.BLIND)


def forged(operations: Sequence[str], lines: list[str]) -> list[str]:
    """Send *lines* through *operations* without any socket; return the values that arrive."""
    for number, operation in enumerate(operations):
        lines = operate(operation, lines, f"10.9.0.{number}" if number else "client")
    return [value.strip() for line in lines for value in line.split(",")]


def unforgeable(operations: Sequence[str], seed: int = 4) -> int:
    """Return how many values at the right end no forgery of 300 moves: a forger's own knowledge."""
    chance = random.Random(seed)
    base = forged(operations, [])
    trusted = len(base)
    for _ in range(300):
        count = chance.randint(1, 4)
        values = [chance.choice((*base, "client", "evil", f"evil-{chance.random()}")) for _ in range(count)]
        cut = chance.randint(0, count)
        lines = [", ".join(part) for part in (values[:cut], values[cut:]) if part]
        seen = forged(operations, lines)
        pairs = zip(reversed(seen), reversed(base), strict=False)
        trusted = min(trusted, sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs)))
    return trusted


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from((*OPERATIONS, *ODD)), min_size=1, max_size=5))
def test_no_forgeable_count_is_ever_proven(operations: list[str]) -> None:
    found = judged(measured(Chain(of_addresses(*operations))))

    assert found.hops <= unforgeable(operations)
    assert found.trusted <= unforgeable(operations)


@pytest.mark.slow
@pytest.mark.timeout(600)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.fixed_dictionaries(
            {ADDRESS: st.sampled_from((*OPERATIONS, *ODD)), SCHEME: st.sampled_from(OPERATIONS)}
        ),
        min_size=1,
        max_size=5,
    )
)
def test_what_is_measured_is_what_the_fold_computes(layers: list[Mapping[str, str]]) -> None:
    result = measured(Chain(layers))

    addresses = [layer[ADDRESS] for layer in layers]
    sees = [not number for number in range(len(layers))]
    found = judged(result)
    assert found.hops <= found.trusted <= unforgeable(addresses)
    assert judged(result, SCHEME).hops <= unforgeable([layer[SCHEME] for layer in layers])
    if not set(ODD) & set(addresses):
        computed = fold(addresses, sees).hops
        # "last" keeps a line; the fold, which does not know how many values are on it, believes one.
        assert found.hops == computed or ("last" in addresses and not computed)


def test_a_proven_count_is_proven_with_every_value_the_plan_could_have() -> None:
    chain = Chain(of_addresses("append", "append"))

    too_many = measured(chain, configured={"x_for": 3, "x_proto": 0, "x_host": 0, "x_port": 0, "x_prefix": 0})
    too_few = measured(chain, configured={"x_for": 1, "x_proto": 0, "x_host": 0, "x_port": 0, "x_prefix": 0})

    assert judged(too_many).verdict is Verdict.UNSAFE
    assert too_many.exit_code == 1
    assert any(command.startswith("curl ") and "X-Forwarded-For" in command for command in too_many.spoofs)
    assert judged(too_few).verdict is Verdict.BLIND
    assert judged(too_few).hops == 2


def test_a_spoof_that_works_on_the_application_is_unsafe_whatever_is_configured() -> None:
    def believes_the_left(raw: dict[str, str]) -> dict[str, str]:
        return raw | {"REMOTE_ADDR": raw.get("HTTP_X_FORWARDED_FOR", "-").partition(",")[0]}

    result = measured(Chain(of_addresses("append"), sees=believes_the_left))

    assert judged(result).verdict is Verdict.UNSAFE
    assert result.exit_code == 1


def test_a_mark_on_another_field_does_not_excuse_a_spoof() -> None:
    def believes_the_last(raw: dict[str, str]) -> dict[str, str]:
        return raw | {"REMOTE_ADDR": raw.get("HTTP_X_FORWARDED_FOR", "-").rpartition(",")[2]}

    refused = "X-Forwarded-Proto: 0 of 1 values"
    result = measured(Chain(of_addresses("pass"), sees=believes_the_last, refused=refused))

    assert judged(result).verdict is Verdict.UNSAFE


def test_a_parser_that_refuses_and_lets_the_peer_stand_is_not_spoofed() -> None:
    configured = {"x_for": 1, "x_proto": 0, "x_host": 0, "x_port": 0, "x_prefix": 0}
    result = measured(Chain(of_addresses("pass"), refused="no declared proxy"), configured=configured)

    assert judged(result).verdict is Verdict.BLIND
    assert result.spoofs == []


def test_a_second_door_to_the_application_itself_makes_the_count_unsafe() -> None:
    with Chain(of_addresses("append")).serving() as url, Chain().serving() as door:
        result = measure(Request(url=url, doors=(door,)))

    assert judged(result).verdict is Verdict.UNSAFE
    assert judged(result).hops == 0
    assert "direct" in result.doors[0].state
    assert door in result.spoofs[0]


def test_a_second_door_through_as_many_layers_changes_nothing() -> None:
    with Chain(of_addresses("append")).serving() as url, Chain(of_addresses("overwrite")).serving() as door:
        result = measure(Request(url=url, doors=(door,)))

    assert (judged(result).verdict, judged(result).hops) == (Verdict.PROVEN, 1)


def test_a_door_that_nobody_opens_is_closed_from_here_and_no_more() -> None:
    from live import free_port

    result = measured(Chain(of_addresses("append")), doors=(f"http://127.0.0.1:{free_port()}/",))

    assert not result.doors[0].reached
    assert "closed from here" in result.doors[0].state
    assert judged(result).verdict is Verdict.PROVEN


def refuses(_: Exchange) -> bytes:
    return response(403)


def cached(_: Exchange) -> bytes:
    raw = {"REMOTE_ADDR": "10.9.0.1", "QUERY_STRING": "gunwale-probe=another"}
    return response(200, {"raw": raw, "seen": raw, "server": "simulated", "refused": None})


@pytest.mark.parametrize("before", [refuses, cached])
def test_with_a_door_of_which_nothing_is_known_no_count_is_proven(before: Callable[..., bytes]) -> None:
    with Chain(of_addresses("append")).serving() as url, Chain(before=before).serving() as door:
        result = measure(Request(url=url, doors=(door,)))

    assert judged(result).verdict is Verdict.UNDECIDED
    assert "x_for" not in result.counts
    assert result.exit_code == 3
    assert any(door in note and "not concluded" in note for note in result.notes)


def test_a_door_that_redirects_has_no_application_behind_it() -> None:
    def redirects(_: Exchange) -> bytes:
        return response(301, Location="https://shop.example/")

    with Chain(of_addresses("append")).serving() as url, Chain(before=redirects).serving() as door:
        result = measure(Request(url=url, doors=(door,)))

    assert judged(result).verdict is Verdict.PROVEN
    assert "it redirects to 'https://shop.example/'" in result.doors[0].state


@pytest.mark.parametrize("since", [1, 60], ids=["from the start", "later"])
def test_a_cached_echo_ends_in_no_conclusion(since: int) -> None:
    chain = Chain(of_addresses("append"))
    kept: list[bytes] = []

    def cache(exchange: Exchange) -> bytes | None:
        if exchange.number <= since:
            kept[:] = [chain.echo(exchange)]
        return kept[0]

    chain.before = cache

    with pytest.raises(StartError, match="cache") as caught:
        measured(chain)
    assert caught.value.exit_code == 3


def test_a_class_of_values_that_is_refused_proves_nothing() -> None:
    def refuses_private(exchange: Exchange) -> bytes | None:
        sent = " ".join(exchange.lines.get(ADDRESS, []))
        return response(403) if any(net in sent for net in ("10.", "192.168.", "172.")) else None

    result = measured(Chain(of_addresses("append"), before=refuses_private))

    assert judged(result).verdict is Verdict.UNDECIDED
    assert "x_for" not in result.counts
    assert result.exit_code == 3
    assert any("a private address" in note for note in result.notes)


def test_a_front_that_refuses_everything_after_a_probe_ends_in_no_conclusion() -> None:
    refused: list[Exchange] = []

    def bans(exchange: Exchange) -> bytes | None:
        refused.extend([exchange] * (ADDRESS in exchange.lines))
        return response(403) if refused else None

    with pytest.raises(StartError, match="refuses even unforged"):
        measured(Chain(of_addresses("append"), before=bans))


def rotating(layer: int, exchange: Exchange) -> str:
    return f"10.9.{layer}.{exchange.number % 7 + 1}"


def test_edges_that_come_and_go_do_not_hide_the_client() -> None:
    found = judged(measured(Chain(of_addresses("append", "append"), addresses=rotating)))

    assert (found.verdict, found.hops) == (Verdict.PROVEN, 2)


def test_edges_that_come_and_go_do_not_make_a_passed_list_trusted() -> None:
    assert judged(measured(Chain(of_addresses("append", "drop", "pass"), addresses=rotating))).hops == 0
    assert judged(measured(Chain(of_addresses("if-absent", "append"), addresses=rotating))).hops == 0


def test_ways_of_different_lengths_behind_one_address_have_no_count() -> None:
    chain = Chain()

    def now_this_now_that(exchange: Exchange) -> None:
        chain.layers = of_addresses(*["append"] * (1 + exchange.number % 2))

    chain.before = now_this_now_that

    assert judged(measured(chain)).hops == 0


def test_a_prober_on_the_machine_of_the_proxy_does_not_conclude() -> None:
    # Both layers connect from the only address that the prober has too.
    chain = Chain(of_addresses("overwrite", "overwrite"), addresses=lambda *_: "127.0.0.1")
    result = measured(chain, sources=("127.0.0.1",))

    assert judged(result).verdict is Verdict.UNDECIDED
    assert result.exit_code == 3
    assert any("another machine" in note for note in result.notes)


def test_several_sources_tell_a_client_from_a_proxy_of_the_same_machine() -> None:
    chain = Chain(of_addresses("overwrite", "overwrite"), addresses=lambda *_: "127.0.0.1")

    assert judged(measured(chain)).hops == 0


def test_ipv6_loopback_has_one_address_and_is_not_concluded() -> None:
    with Chain(of_addresses("append"), addresses=lambda *_: "::1").serving("::1") as url:
        found = judged(measure(Request(url=url)))

    assert found.verdict is Verdict.UNDECIDED
    assert found.trusted == 1


def test_an_alias_that_reaches_the_field_takes_the_trust_away() -> None:
    found = judged(measured(Chain(of_addresses("overwrite"), aliases=True)))

    assert found.alias in ("X_Forwarded_For", "x_forwarded-for")
    assert found.hops == 0


def test_a_field_that_the_client_can_have_removed_is_not_proven() -> None:
    chain = Chain(addresses=lambda *_: "10.9.0.1")

    def connection_is_honoured_late(exchange: Exchange) -> bytes:
        chain.layers = of_addresses("append")
        if ADDRESS in ",".join(exchange.lines.get("connection", [])).lower():
            chain.layers = of_addresses("append", "drop")
        return chain.echo(exchange)

    chain.before = connection_is_honoured_late
    found = judged(measured(chain))

    assert found.removable
    assert found.verdict is Verdict.BLIND


def test_a_host_that_is_kept_needs_no_count_and_a_replaced_one_does() -> None:
    kept = measured(Chain([{HOST: "overwrite"}]))
    replaced = measured(Chain([{HOST: "overwrite"}, {"host": "overwrite"}]))

    assert judged(kept, HOST).hops == 0
    assert judged(replaced, HOST).hops == 1
    assert judged(kept, PREFIX).hops == 0


def test_json_has_the_fields_that_the_issue_names() -> None:
    from gunwale.measure import hops_report

    result = measured(Chain(of_addresses("append", "append")))
    document = json.loads(json.dumps(hops_report.as_json(result)))

    assert {"url", "fields", "doors", "configured", "spoofs"} <= set(document)
    assert document["fields"]["x-forwarded-for"] == {
        "mode": "appended",
        "trusted": 2,
        "position": 2,
        "hops": 2,
        "verdict": "PROVEN",
        "removable": False,
        "alias": None,
    }
