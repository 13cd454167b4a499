"""The fronts of a rehearsal by their names, each with the plan's numbers and without retries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gunwale.deploy.balancers.envoy import Envoy
from gunwale.deploy.balancers.haproxy import HAProxy
from gunwale.deploy.balancers.nginx import Nginx
from gunwale.deploy.front import IDLE_TIMEOUT, Settings
from gunwale.measure.process import OwnedProcess
from gunwale.plan import chain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from gunwale.deploy.balancer import Balancer
    from gunwale.deploy.front import Front
    from gunwale.plan.model import Plan

FRONTS = ("caddy", "nginx", "haproxy", "envoy")
PRODUCTS: Mapping[str, Callable[..., Front]] = {"nginx": Nginx, "haproxy": HAProxy, "envoy": Envoy}
SETTLING = {"nginx": 1.2, "caddy": 0.2, "haproxy": 0.1, "envoy": 0.3}
"""Seconds a front may go on asking a target it was told to leave: nginx's kept connections bring one more."""


def front(name: str, plan: Plan, directory: Path, port: int = 0) -> Balancer:
    """Return the front *name*, not started; StartError when it is started and not installed."""
    declared = chain.layers(plan.proxies.chain)
    layer = declared[-1] if declared else None
    idle = layer.idle_timeout if layer and layer.idle_timeout else IDLE_TIMEOUT
    if name == "caddy":
        return _caddy(plan, directory, port, idle)
    settings = Settings(port=port, idle_timeout=idle, request_timeout=plan.serve.request_timeout)
    return PRODUCTS[name](directory, launch=OwnedProcess, settings=settings)


def _caddy(_plan: Plan, directory: Path, port: int, idle: float) -> Balancer:
    from gunwale.deploy.balancers.caddy import Caddy
    from gunwale.deploy.caddy_config import Site

    site = Site(listen=f"127.0.0.1:{port}", idle_timeout=idle, grace_period=2.0, tells_task=True)
    return Caddy(directory, site)
