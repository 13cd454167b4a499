from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from gunwale.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from unit.render.conftest import Text

    Template = Callable[..., dict[str, Any]]

ECS = ("rollout.platform=ecs", "proxies.chain=[{name='alb', tls=true}]")
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop-AbCdEf"


class Loader(yaml.CSafeLoader):  # type: ignore[misc]  # PyYAML carries no types
    """YAML with CloudFormation's short forms, each as its text."""


Loader.add_multi_constructor("!", lambda _loader, suffix, node: f"!{suffix} {node.value}")


@pytest.fixture
def resources(text: Text) -> Template:
    def load(*sets: str) -> dict[str, Any]:
        found: dict[str, Any] = yaml.load(text("ecs", *ECS, *sets), Loader)["Resources"]
        return {name: each.get("Properties", {}) for name, each in found.items()}

    return load


def _container(found: dict[str, Any]) -> dict[str, Any]:
    (container,) = found["TaskDefinition"]["ContainerDefinitions"]
    assert isinstance(container, dict)
    return container


def _attributes(found: list[dict[str, str]]) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in found}


def test_the_clocks_of_the_stack_are_the_plans(resources: Template) -> None:
    found = resources(
        "rollout.deregistration_delay=45s", "rollout.ready_timeout=90s", "serve.request_timeout=20s"
    )
    target = _attributes(found["TargetGroup"]["TargetGroupAttributes"])
    balancer = _attributes(found["LoadBalancer"]["LoadBalancerAttributes"])

    assert _container(found)["StopTimeout"] == 60
    assert target["deregistration_delay.timeout_seconds"] == "45"
    assert found["Service"]["HealthCheckGracePeriodSeconds"] == 90
    assert balancer["idle_timeout.timeout_seconds"] == "60"


def test_the_load_balancer_asks_readiness_and_the_container_liveness(resources: Template) -> None:
    found = resources()

    assert found["TargetGroup"]["HealthCheckPath"] == "/ready"
    assert "'/health'" in _container(found)["HealthCheck"]["Command"][-1]
    assert (
        found["TargetGroup"]["HealthCheckTimeoutSeconds"] < found["TargetGroup"]["HealthCheckIntervalSeconds"]
    )


def test_the_container_runs_as_a_number_on_a_read_only_root(resources: Template) -> None:
    container = _container(resources("image.uid=12345"))

    assert (container["User"], container["ReadonlyRootFilesystem"]) == ("12345:12345", True)
    assert container["LinuxParameters"]["Capabilities"] == {"Drop": ["ALL"]}


def test_the_size_is_one_that_fargate_has(resources: Template) -> None:
    task = resources("resources.cpu=0.5", "resources.memory=3GiB")["TaskDefinition"]

    assert (task["Cpu"], task["Memory"]) == ("512", "3072")


def test_only_the_secrets_of_the_plan_may_be_read(resources: Template) -> None:
    found = resources(f"environment.secrets={{KEY = '{SECRET}:key::', PASSWORD = '/run/password'}}")
    (policy,) = found["ExecutionRole"]["Policies"]

    assert _container(found)["Secrets"] == [{"Name": "KEY", "ValueFrom": f"{SECRET}:key::"}]
    assert policy["PolicyDocument"]["Statement"] == [
        {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": [SECRET]}
    ]
    assert "Policies" not in found["TaskRole"]


def test_nobody_gets_past_the_load_balancer(resources: Template) -> None:
    (rule,) = resources()["TaskGroup"]["SecurityGroupIngress"]

    assert rule["SourceSecurityGroupId"] == "!Ref BalancerGroup"
    assert rule["FromPort"] == rule["ToPort"] == 8000


def test_a_failed_roll_out_is_taken_back(resources: Template) -> None:
    configuration = resources("rollout.tasks=3")["Service"]["DeploymentConfiguration"]

    assert configuration["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
    assert (configuration["MinimumHealthyPercent"], configuration["MaximumPercent"]) == (100, 200)


def test_the_release_command_is_a_task_of_its_own(resources: Template) -> None:
    found = resources("rollout.release_command=flask db upgrade")
    (container,) = found["ReleaseTaskDefinition"]["ContainerDefinitions"]

    assert container["Command"] == ["flask", "db", "upgrade"]
    assert "HealthCheck" not in container
    assert "ReleaseTaskDefinition" not in resources()


def test_it_scales_only_where_the_plan_says_how_far(resources: Template) -> None:
    found = resources("rollout.tasks=2", "rollout.max_tasks=6")

    assert (found["ScalableTarget"]["MinCapacity"], found["ScalableTarget"]["MaxCapacity"]) == (2, 6)
    assert "DesiredCount" not in found["Service"]
    assert resources("rollout.tasks=2")["Service"]["DesiredCount"] == 2
    assert "ScalableTarget" not in resources()


def test_a_chain_that_does_not_end_at_the_load_balancer_is_refused(text: Text) -> None:
    with pytest.raises(ConfigurationError, match="no chain is declared"):
        text("ecs", "rollout.platform=ecs")


def test_each_clock_says_its_sum(text: Text) -> None:
    found = text("ecs", *ECS)

    assert "# stop_timeout 60: lame_duck 5 + drain_timeout 52 + 3\n          StopTimeout: 60\n" in found
