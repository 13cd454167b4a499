from __future__ import annotations

import itertools
import random

import pytest

from gunwale.plan import chain
from gunwale.plan.kinds import MisfitError
from gunwale.plan.layers import FIELDS, LAYERS, OPERATIONS

OVERWRITES = "DESIGN.md §4: a later overwrite loses the wanted value"


@pytest.mark.parametrize(
    ("operations", "hops"),
    [
        ([], 0),
        (["append"], 1),
        (["append", "append"], 2),
        (["append2"], 2),
        (["append2", "append"], 3),
        (["overwrite"], 1),
        (["overwrite", "append"], 2),
        (["pass"], 0),
        (["pass", "append"], 1),
        (["append", "pass"], 1),
        (["append", "drop"], 0),
        (["drop", "append"], 1),
        (["append", "drop", "append"], 0),
        (["if-absent"], 0),
        (["append", "if-absent"], 1),
        (["last"], 0),
        (["overwrite", "last"], 1),
        (["append", "append", "last"], 0),
        pytest.param(["append", "overwrite"], 0, id=OVERWRITES),
        pytest.param(["append", "overwrite", "append"], 0, id=f"{OVERWRITES} for good"),
    ],
)
def test_hop_count_of_a_chain_of_operations(operations: list[str], hops: int) -> None:
    assert chain.fold(operations).hops == hops


def _send(operations: tuple[str, ...], forged: list[str]) -> list[str]:
    """What arrives when a client at "client" sends *forged* through layers that do *operations*."""
    values, peer = list(forged), "client"
    for number, operation in enumerate(operations):
        match operation:
            case "append":
                values.append(peer)
            case "append2":
                values += [peer, f"layer{number}"]
            case "overwrite":
                values = [peer]
            case "drop":
                values = []
            case "if-absent":
                values = values or [peer]
            case "last":
                values = values[-1:]
        peer = f"layer{number}"
    return values


@pytest.mark.parametrize("length", [1, 2, 3])
def test_no_client_can_forge_a_trusted_value(length: int) -> None:
    draw = random.Random(length)
    for operations in itertools.product(OPERATIONS, repeat=length):
        trusted = chain.fold(operations).trusted
        unforged = _send(operations, [])
        for _ in range(5):
            forged = [f"forged{draw.random()}" for _ in range(draw.randint(1, 4))]
            received = _send(operations, forged)

            assert received[len(received) - trusted :] == unforged[len(unforged) - trusted :], operations


@pytest.mark.parametrize("length", [1, 2, 3])
def test_the_count_points_at_the_client_where_the_first_layer_writes(length: int) -> None:
    for operations in itertools.product(OPERATIONS, repeat=length):
        hops = chain.fold(operations).hops
        if hops and operations[0] in ("append", "append2", "overwrite"):
            assert _send(operations, ["forged"])[-hops] == "client", operations


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (["nginx"], (0, 0, 0, 0, 0)),
        (["nginx-proxy-add"], (1, 1, 1, 0, 1)),
        (["nginx-overwrite"], (1, 1, 0, 0, 0)),
        (["apache"], (1, 0, 1, 0, 0)),
        (["haproxy"], (0, 0, 0, 0, 0)),
        (["haproxy-forwardfor"], (1, 0, 0, 0, 0)),
        (["haproxy-forwardfor-if-none"], (0, 0, 0, 0, 0)),
        (["caddy"], (1, 1, 0, 0, 0)),
        (["traefik"], (1, 1, 0, 0, 0)),
        (["envoy-edge"], (1, 1, 0, 0, 0)),
        (["ingress-nginx"], (1, 1, 0, 0, 0)),
        (["alb"], (1, 1, 0, 0, 0)),
        (["alb-preserve"], (0, 1, 0, 0, 0)),
        (["cloudfront"], (1, 0, 0, 0, 0)),
        (["cloudflare"], (1, 1, 0, 0, 0)),
        (["google-lb"], (2, 1, 0, 0, 0)),
        (["azure-front-door"], (1, 1, 1, 0, 0)),
        (["fly"], (2, 1, 0, 0, 0)),
        (["cloudfront", "alb"], (2, 1, 0, 0, 0)),
        (["cloudflare", "caddy-trusted"], (2, 1, 0, 0, 0)),
        pytest.param(["cloudflare", "alb"], (2, 0, 0, 0, 0), id="the ALB's scheme is that of its own hop"),
        pytest.param(["cloudflare", "caddy"], (0, 0, 0, 0, 0), id="this Caddy knows only Cloudflare's edge"),
        pytest.param(
            ["cloudfront", "alb", "nginx-proxy-add"], (3, 0, 0, 0, 1), id="CloudFront replaced Host first"
        ),
    ],
)
def test_hop_counts_of_known_layers(layers: list[str], expected: tuple[int, ...]) -> None:
    found = chain.hops(chain.layers(layers))

    assert found is not None
    assert tuple(found.values()) == expected


def test_no_chain_has_no_counts() -> None:
    assert chain.hops(()) is None


def test_a_layer_can_be_written_out() -> None:
    item = chain.read_item({"name": "office", "for": "append", "proto": "overwrite", "idle_timeout": "90s"})
    layer = chain.layers([item])[0]

    assert layer.idle_timeout == 90.0
    assert layer.response_timeout == 90.0
    assert chain.hops([layer]) == {"x_for": 1, "x_proto": 1, "x_host": 0, "x_port": 0, "x_prefix": 0}


def test_a_layer_that_writes_the_host_is_counted_for_it() -> None:
    layers = chain.layers([chain.read_item({"name": "office", "host": "overwrite"})])

    assert chain.counts(layers)["host"].hops == 1


def test_a_table_changes_what_is_known_of_a_layer() -> None:
    layers = chain.layers([chain.read_item({"name": "alb", "for": "pass", "tls": True})])

    assert chain.hops(layers) == {"x_for": 0, "x_proto": 1, "x_host": 0, "x_port": 0, "x_prefix": 0}
    assert layers[0].tls


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("ngnix", "no known layer 'ngnix'; did you mean 'nginx'?"),
        ("zzz", "or write it out"),
        ({"for": "append"}, "needs a name"),
        ({"name": "zzz"}, "no known layer 'zzz'"),
        ({"name": "zzz", "for": "apend"}, "did you mean 'append'?"),
        ({"name": "zzz", "for": "append", "protto": "pass"}, "did you mean 'proto'?"),
        ({"name": "alb", "idle_timeout": "soon"}, "alb.idle_timeout: not a duration: 'soon'"),
        ({"name": "alb", "buffers": "yes"}, "alb.buffers should be true or false, not 'yes'"),
        (3, "should be a layer's name or a table, not 3"),
    ],
)
def test_a_layer_nobody_knows_is_refused_with_a_way_out(item: object, message: str) -> None:
    with pytest.raises(MisfitError) as caught:
        chain.read_item(item)

    assert message in str(caught.value)


def test_behaviour_that_is_disputed_is_to_be_measured() -> None:
    message, hint = chain.doubts(chain.layers(["cloud-run"]))[0]

    assert message.startswith("cloud-run: reports differ")
    assert "gunwale hops" in hint


def test_an_address_any_client_can_choose_is_said_so() -> None:
    assert "any client can choose it" in chain.doubts(chain.layers(["haproxy-forwardfor-if-none"]))[0][0]


def test_request_id_comes_from_a_layer_that_makes_it() -> None:
    assert chain.request_id_field(chain.layers(["cloudflare", "nginx-overwrite"])) == "X-Request-ID"
    # ingress-nginx keeps a client's own id.
    assert chain.request_id_field(chain.layers(["ingress-nginx"])) is None


def test_the_fold_is_told_layer_by_layer() -> None:
    told = chain.story(chain.layers(["cloudflare", "alb"]), "for")

    assert told == "cloudflare append, alb append → 2 trusted, wanted value at 2 → 2"


@pytest.mark.parametrize("name", LAYERS)
def test_each_known_layer_is_sound_data(name: str) -> None:
    layer = LAYERS[name]

    assert layer.source
    assert layer.verified or layer.disputed
    assert set(layer.operations) <= set(FIELDS)
    assert set(layer.operations.values()) <= set(OPERATIONS)
