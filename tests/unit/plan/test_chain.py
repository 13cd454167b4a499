from __future__ import annotations

import pytest

from gunwale.plan import chain
from gunwale.plan.kinds import MisfitError
from gunwale.plan.layers import CLOUDS, FIELDS, LAYERS, OPERATIONS, Certainty

COUNTS = pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (["nginx"], (0, 0, 0, 0, 0)),
        (["nginx-proxy-add"], (1, 1, 1, 0, 1)),
        (["nginx-overwrite"], (1, 1, 0, 0, 0)),
        (["nginx-real-ip"], (1, 0, 0, 0, 0)),
        (["nginx-drop"], (0, 0, 0, 0, 0)),
        (["apache"], (1, 0, 1, 0, 0)),
        (["apache-preserve-host"], (1, 1, 0, 0, 0)),
        (["apache-no-headers"], (0, 0, 0, 0, 0)),
        (["apache-remoteip"], (1, 0, 0, 0, 0)),
        (["haproxy"], (0, 0, 0, 0, 0)),
        (["haproxy-forwardfor"], (1, 0, 0, 0, 0)),
        (["haproxy-set-proto"], (1, 1, 0, 0, 0)),
        (["haproxy-forwardfor-if-none"], (0, 0, 0, 0, 0)),
        (["haproxy-forwarded"], (0, 0, 0, 0, 0, 1)),
        (["caddy"], (1, 1, 0, 0, 0)),
        (["caddy-trusted"], (1, 0, 0, 0, 0)),
        (["traefik"], (1, 1, 0, 0, 0)),
        (["traefik-trusted"], (1, 0, 0, 0, 0)),
        (["traefik-insecure"], (1, 0, 0, 0, 0)),
        (["envoy-edge"], (1, 1, 0, 0, 0)),
        (["envoy-trusted-hops"], (1, 0, 0, 0, 0)),
        (["envoy"], (0, 0, 0, 0, 0)),
        (["istio"], (1, 1, 0, 0, 0)),
        (["istio-trusted-proxies"], (1, 0, 0, 0, 0)),
        (["ingress-nginx"], (1, 1, 0, 0, 0)),
        (["ingress-nginx-forwarded"], (0, 0, 0, 0, 0)),
        (["ingress-nginx-full"], (1, 0, 0, 0, 0)),
        pytest.param(
            ["k3s-servicelb", "traefik"], (0, 1, 0, 0, 0), id="k3s's load balancer hides the client"
        ),
        (["kamal-proxy"], (1, 1, 0, 0, 0)),
        pytest.param(["kamal-proxy-forwarding"], (1, 0, 0, 0, 0), id="alone, the scheme is the client's"),
        (["gorouter"], (1, 1, 0, 0, 0)),
        (["alb"], (1, 1, 0, 0, 0)),
        (["alb-preserve"], (0, 1, 0, 0, 0)),
        (["alb-remove"], (0, 1, 0, 0, 0)),
        (["alb-client-port"], (1, 1, 0, 0, 0)),
        (["nlb"], (0, 0, 0, 0, 0)),
        (["nlb-ip-targets"], (0, 0, 0, 0, 0)),
        (["nlb-proxy-protocol"], (0, 0, 0, 0, 0)),
        (["nlb-proxy-protocol", "ingress-nginx"], (1, 1, 0, 0, 0)),
        (["nlb", "nginx-overwrite"], (1, 1, 0, 0, 0)),
        pytest.param(
            ["nlb-ip-targets", "nginx-overwrite"], (0, 1, 0, 0, 0), id="the NLB's own address is written"
        ),
        (["cloudfront"], (1, 0, 0, 0, 0)),
        pytest.param(
            ["api-gateway-http", "alb"], (0, 0, 0, 0, 0, 1), id="only Forwarded tells of the client"
        ),
        (["api-gateway-rest"], (0, 0, 0, 0, 0)),
        (["app-runner"], (0, 0, 0, 0, 0)),
        (["alb", "beanstalk"], (2, 1, 0, 0, 0)),
        pytest.param(["beanstalk"], (1, 0, 0, 0, 0), id="a single instance has no load balancer's scheme"),
        (["lightsail"], (0, 0, 0, 0, 0)),
        (["google-lb"], (2, 1, 0, 0, 0)),
        (["google-lb", "ingress-nginx-full"], (3, 1, 0, 0, 0)),
        pytest.param(["google-lb", "ingress-nginx"], (0, 0, 0, 0, 0), id="only the load balancer is written"),
        (["cloud-run"], (0, 1, 0, 0, 0)),
        (["app-engine"], (0, 1, 0, 0, 0)),
        (["azure-app-service"], (1, 1, 0, 0, 0)),
        (["azure-app-gateway"], (1, 1, 0, 0, 0)),
        (["azure-front-door"], (1, 1, 1, 0, 0)),
        (["heroku"], (1, 1, 0, 0, 0)),
        pytest.param(["heroku-legacy"], (0, 1, 0, 0, 0), id="the legacy router appends to the first line"),
        (["fly"], (2, 1, 0, 0, 0)),
        (["render"], (2, 1, 0, 0, 0)),
        (["railway"], (0, 1, 0, 0, 0)),
        (["do-app-platform"], (0, 1, 0, 0, 0)),
        (["cloudflare"], (1, 1, 0, 0, 0)),
        (["fastly"], (0, 0, 0, 0, 0)),
        (["fastly-tls"], (1, 0, 0, 0, 0)),
        (["cloudfront", "alb"], (2, 1, 0, 0, 0)),
        (["cloudflare", "caddy-trusted"], (2, 1, 0, 0, 0)),
        pytest.param(["cloudflare", "alb"], (2, 0, 0, 0, 0), id="the ALB's scheme is that of its own hop"),
        pytest.param(["cloudflare", "caddy"], (0, 0, 0, 0, 0), id="this Caddy knows only Cloudflare's edge"),
        pytest.param(
            ["cloudfront", "alb", "nginx-proxy-add"], (3, 0, 0, 0, 1), id="CloudFront replaced Host first"
        ),
    ],
)


@COUNTS
def test_hop_counts_of_known_layers(layers: list[str], expected: tuple[int, ...]) -> None:
    found = chain.hops(chain.layers(layers))

    assert found is not None
    assert tuple(found.values()) == expected


@pytest.mark.parametrize(
    ("layers", "field", "remover", "hops"),
    [
        (["apache-preserve-host"], "proto", "apache-preserve-host", 1),
        (["haproxy-set-proto", "apache"], "for", "apache", 2),
        (["haproxy-set-proto", "apache"], "proto", "apache", 1),
        (["haproxy-set-proto", "caddy-trusted"], "for", "caddy-trusted", 2),
        pytest.param(
            ["haproxy-set-proto", "caddy-trusted"],
            "proto",
            "caddy-trusted",
            0,
            id="Caddy then writes its own",
        ),
        (["nlb", "haproxy-set-proto", "caddy-trusted"], "for", "caddy-trusted", 2),
    ],
)
def test_what_a_client_can_have_removed_is_known(
    layers: list[str], field: str, remover: str, hops: int
) -> None:
    declared = chain.layers(layers)
    removal = chain.removal(declared, field)

    assert removal is not None
    assert removal.layer.name == remover
    assert chain.counts(declared)[field] == hops


@pytest.mark.parametrize(
    ("layers", "field"),
    [
        pytest.param(["apache"], "for", id="Apache keeps what it adds itself"),
        pytest.param(["haproxy-forwardfor"], "for", id="nothing drops it"),
        pytest.param(["haproxy-set-proto", "nginx"], "for", id="nginx drops nothing"),
        pytest.param(["nginx-proxy-add", "caddy-trusted"], "for", id="nginx does not hand Connection on"),
        pytest.param(["haproxy-set-proto", "caddy"], "proto", id="Caddy writes over it anyway"),
        pytest.param(["haproxy", "caddy-trusted"], "proto", id="there is nothing to lose"),
        pytest.param(["haproxy-set-proto", "apache-remoteip"], "for", id="mod_remoteip reads it before"),
    ],
)
def test_what_no_client_can_have_removed_is_known(layers: list[str], field: str) -> None:
    assert chain.removal(chain.layers(layers), field) is None


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

    assert chain.counts(layers)["host"] == 1


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


def test_every_known_layer_is_counted_here() -> None:
    counted = {name for mark in COUNTS.args[1] for name in getattr(mark, "values", mark)[0]}

    assert set(LAYERS) <= counted


def test_request_id_comes_from_a_layer_that_makes_it() -> None:
    assert chain.request_id_field(chain.layers(["cloudflare", "nginx-overwrite"])) == "X-Request-ID"
    # ingress-nginx keeps a client's own id.
    assert chain.request_id_field(chain.layers(["ingress-nginx"])) is None


@pytest.mark.parametrize("name", LAYERS)
def test_each_known_layer_is_sound_data(name: str) -> None:
    layer = LAYERS[name]

    assert layer.source
    assert layer.certainty
    assert layer.verified
    assert set(layer.operations) == set(FIELDS)
    assert set(layer.operations.values()) <= set(OPERATIONS)
    # What is not known is said so, and only where that is so.
    is_open = layer.certainty in {Certainty.DISPUTED, Certainty.UNDOCUMENTED}
    assert bool(layer.disputed) is is_open
    assert is_open is any(layer.operation(field) == "unknown" for field in (*chain.COUNTED,))


def test_nothing_that_was_not_run_says_it_was() -> None:
    assert not [layer.name for layer in CLOUDS if layer.certainty is Certainty.VERIFIED]


def test_ways_in_that_agree_have_counts() -> None:
    main, door = chain.layers(["cloudflare", "caddy-trusted"]), chain.layers(["cloudfront", "alb"])

    assert chain.hops(main, [door]) == {"x_for": 2, "x_proto": 1, "x_host": 0, "x_port": 0, "x_prefix": 0}


def test_a_count_that_differs_between_two_ways_in_is_0() -> None:
    main, door = chain.layers(["cloudfront", "alb"]), chain.layers(["alb"])

    assert chain.hops(main, [door]) == {"x_for": 0, "x_proto": 1, "x_host": 0, "x_port": 0, "x_prefix": 0}
    assert chain.hops(main, [()]) == dict.fromkeys(["x_for", "x_proto", "x_host", "x_port", "x_prefix"], 0)
