"""The front that is rendered: the chain's last layer, and what it does to each forwarded field."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gunwale.errors import ConfigurationError, Problem
from gunwale.plan import chain, explain
from gunwale.plan.trust import FIELD_NAMES
from gunwale.render import start

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gunwale.plan.layer import Layer
    from gunwale.render.deployment import Deployment

NAMES = {**FIELD_NAMES, "real_ip": "X-Real-IP", "request_id": "X-Request-ID"}
_WRITE = "proxies.chain"
# What these do to a field leaves in it what the layer before had: at the edge, the client's own.
_LEAVING = {"pass", "drop"}


class Front(NamedTuple):
    """The *layer* that is rendered; *is_edge*: it is the client's first, and ends TLS."""

    layer: Layer
    is_edge: bool
    operations: dict[str, str]

    @property
    def has_tls(self) -> bool:
        """Whether it ends TLS itself."""
        return self.layer.tls is True


def find(deployment: Deployment, product: str, example: str) -> Front:
    """Return the front, which must be a *product*; ConfigurationError where the plan does not tell enough."""
    layers = chain.layers(deployment.plan.proxies.chain)
    where = f"gunwale render {product}"
    if not layers or not is_product(layers[-1], product):
        last = f"the last layer of the chain is {layers[-1].name}" if layers else "no chain is declared"
        hint = f'write chain = [{{name = "{example}", tls = true}}] under [tool.gunwale.proxies]'
        raise ConfigurationError(Problem(where=where, message=f"{_WRITE}: {last}", hint=hint))
    layer, is_edge = layers[-1], len(layers) == 1
    problems = []
    if is_edge and layer.tls is None:
        hint = f'write {{name = "{layer.name}", tls = true}}, or false where something else ends it'
        problems.append(Problem(where=where, message=f"{_WRITE}: does {layer.name} end TLS?", hint=hint))
    if not layer.keeps_host:
        message = f"{_WRITE}: {layer.name} replaces Host, and every URL the application makes would be wrong"
        problems.append(Problem(where=where, message=message, hint=f'write "{example}"'))
    if layer.tls and not deployment.plan.security.trusted_hosts:
        hint = 'write trusted_hosts = ["www.example.com"] under [tool.gunwale.security]'
        problems.append(Problem(where=where, message="a front with TLS needs a host name", hint=hint))
    if problems:
        raise ConfigurationError(problems)
    return Front(layer, is_edge, {name: _operation(layers, name) for name in NAMES})


def _operation(layers: Sequence[Layer], name: str) -> str:
    """Return what the last of *layers* does to a field: what the plan says, but for what clients send.

    Where no layer before it writes the field, the client's own would pass through: no count reads such a
    field, and dropping it changes none.
    """
    *before, layer = layers
    operation = layer.operation(name)
    is_clients = all(each.operation(name) in _LEAVING for each in before)
    return "drop" if is_clients and operation in {"pass", "if-absent"} else operation


def is_product(layer: Layer, product: str) -> bool:
    """Whether *layer* is a row of *product*: "nginx-overwrite" is nginx."""
    return layer.name == product or layer.name.startswith(f"{product}-")


def upstream(deployment: Deployment) -> str:
    """Return where the front reaches the application: beside it, or by its name in compose's network."""
    if deployment.plan.rollout.platform == "docker":
        return f"app:{start.listener(deployment).port}"
    bind = deployment.plan.serve.bind[0]
    if bind.startswith("unix:"):
        return bind
    found = start.listener(deployment)
    return f"127.0.0.1:{found.port}" if found.host in ("0.0.0.0", "::") else bind  # noqa: S104 - asked, not bound


def story(deployment: Deployment) -> str:
    """Tell the hop counts that the application reads by, for a comment."""
    return explain.proxy_fix(deployment.plan) or "no line for Werkzeug's ProxyFix"
