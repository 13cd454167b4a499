"""The rendered CloudFormation template through moto's API: the shape of every call, and each clock.

moto starts no task, drains no target and has no scaling in its CloudFormation; sizes and ranges it takes as
they are. Those are `gunwale plan`'s and cfn-lint's.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from gunwale.cli import main
from unit.render.test_ecs import Loader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop-AbCdEf:key::"
PLAN = f"""\
name = "shop"
app = "app:app"
serve.worker_class = "gthread"
proxies.chain = [{{name = "alb", tls = true, idle_timeout = "50s"}}]
security.trusted_hosts = ["shop.example"]
environment.secrets = {{KEY = "{SECRET}"}}
resources.cpu = 0.5
resources.memory = "2GiB"
[rollout]
platform = "ecs"
tasks = 2
deregistration_delay = 45
stop_timeout = 90
release_command = "flask db upgrade"
"""


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """Give boto3's clients, which reach moto and nothing else."""
    if importlib.util.find_spec("moto") is None:
        pytest.skip("needs moto: make tools")
    for name, value in (
        ("ACCESS_KEY_ID", "none"),
        ("SECRET_ACCESS_KEY", "none"),
        ("DEFAULT_REGION", "eu-west-1"),
    ):
        monkeypatch.setenv(f"AWS_{name}", value)
    with importlib.import_module("moto").mock_aws():
        yield importlib.import_module("boto3").client


def _rendered(folder: Path, plan: str) -> str:
    (folder / "gunwale.toml").write_text(plan)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        main(["render", "ecs"], standalone_mode=False)
    return (folder / "deploy/stack.yaml").read_text()


def _parameters(aws: Callable[[str], Any]) -> list[dict[str, str]]:
    found = aws("ec2").describe_subnets()["Subnets"]
    subnets = ",".join(each["SubnetId"] for each in found[:2])
    certificate = aws("acm").request_certificate(DomainName="shop.example")["CertificateArn"]
    values = {
        "Image": f"registry.example/shop@sha256:{'0' * 64}",
        "VpcId": found[0]["VpcId"],
        "PublicSubnets": subnets,
        "PrivateSubnets": subnets,
        "CertificateArn": certificate,
    }
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]


def test_the_stack_is_made_as_far_as_moto_makes_one(aws: Callable[[str], Any], tmp_path: Path) -> None:
    stacks, ecs, balancing = aws("cloudformation"), aws("ecs"), aws("elbv2")
    options = {"StackName": "shop", "Parameters": _parameters(aws), "Capabilities": ["CAPABILITY_IAM"]}

    stacks.create_stack(TemplateBody=_rendered(tmp_path, PLAN), **options)

    assert stacks.describe_stacks(StackName="shop")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
    (cluster,) = ecs.list_clusters()["clusterArns"]
    services = ecs.list_services(cluster=cluster)["serviceArns"]
    (service,) = ecs.describe_services(cluster=cluster, services=services)["services"]
    container = _container(ecs, service["taskDefinition"])
    (target,) = balancing.describe_target_groups()["TargetGroups"]
    (balancer,) = balancing.describe_load_balancers()["LoadBalancers"]
    assert service["desiredCount"] == 2
    assert (container["stopTimeout"], container["user"]) == (90, "10001:10001")
    assert container["readonlyRootFilesystem"] is True
    assert container["secrets"] == [{"name": "KEY", "valueFrom": SECRET}]
    assert container["healthCheck"]["command"][:2] == ["CMD", "python"]
    assert (target["HealthCheckPath"], target["TargetType"], target["Port"]) == ("/ready", "ip", 8000)
    listeners = balancing.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    ports = {each["Port"]: each["DefaultActions"][0]["Type"] for each in listeners}
    assert ports == {80: "redirect", 443: "forward"}
    assert _container(ecs, "shop-release")["command"] == ["flask", "db", "upgrade"]

    stacks.update_stack(TemplateBody=_rendered(tmp_path, PLAN.replace("= 90", "= 100")), **options)

    assert stacks.describe_stacks(StackName="shop")["Stacks"][0]["StackStatus"] == "UPDATE_COMPLETE"
    assert "shop:2" in " ".join(ecs.list_task_definitions()["taskDefinitionArns"])


def test_the_services_take_what_moto_leaves_out_of_a_stack(aws: Callable[[str], Any], tmp_path: Path) -> None:
    """boto3 holds each name and type to AWS's own description of the call."""
    found = yaml.load(_rendered(tmp_path, PLAN + "max_tasks = 4\n"), Loader)["Resources"]
    given = {name: each.get("Properties", {}) for name, each in found.items()}
    ecs, balancing, scaling = aws("ecs"), aws("elbv2"), aws("application-autoscaling")
    network = aws("ec2").describe_subnets()["Subnets"][:2]
    subnets = [each["SubnetId"] for each in network]
    given["TargetGroup"]["VpcId"] = network[0]["VpcId"]
    balancer = balancing.create_load_balancer(Name="shop", Subnets=subnets)["LoadBalancers"][0][
        "LoadBalancerArn"
    ]
    group = balancing.create_target_group(
        Name="shop", **_without(given["TargetGroup"], "TargetGroupAttributes")
    )
    target = group["TargetGroups"][0]["TargetGroupArn"]

    balancing.modify_load_balancer_attributes(
        LoadBalancerArn=balancer, Attributes=given["LoadBalancer"]["LoadBalancerAttributes"]
    )
    held = balancing.modify_target_group_attributes(
        TargetGroupArn=target, Attributes=given["TargetGroup"]["TargetGroupAttributes"]
    )
    ecs.create_cluster(clusterName="all")
    ecs.register_task_definition(**_lowered(given["TaskDefinition"]))
    ecs.register_task_definition(**_lowered(given["ReleaseTaskDefinition"]))
    service = _lowered(given["Service"]) | {"cluster": "all", "serviceName": "shop", "taskDefinition": "shop"}
    service["loadBalancers"][0]["targetGroupArn"] = target
    service["networkConfiguration"]["awsvpcConfiguration"] |= {"subnets": subnets, "securityGroups": []}
    made = ecs.create_service(**service, desiredCount=2)["service"]
    place = {key: given["ScalableTarget"][key] for key in ("ServiceNamespace", "ScalableDimension")}
    place["ResourceId"] = "service/all/shop"
    limits = {key: given["ScalableTarget"][key] for key in ("MinCapacity", "MaxCapacity")}
    scaling.register_scalable_target(**place, **limits)
    scaling.put_scaling_policy(**place, **_without(given["ScalingPolicy"], "ScalingTargetId"))

    assert {"Key": "deregistration_delay.timeout_seconds", "Value": "45"} in held["Attributes"]
    assert made["loadBalancers"][0]["containerPort"] == 8000
    task = ecs.describe_task_definition(taskDefinition="shop")["taskDefinition"]
    assert (task["cpu"], task["memory"], task["requiresCompatibilities"]) == ("512", "2048", ["FARGATE"])
    (scalable,) = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    assert (scalable["MinCapacity"], scalable["MaxCapacity"]) == (2, 4)


def _container(ecs: Any, name: str) -> dict[str, Any]:
    found: dict[str, Any] = ecs.describe_task_definition(taskDefinition=name)["taskDefinition"]
    (container,) = found["containerDefinitions"]
    return dict(container)


def _without(properties: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in properties.items() if key != name}


def _lowered(value: Any) -> Any:
    """Return CloudFormation's properties by the names that the API of ECS has for them."""
    if isinstance(value, list):
        return [_lowered(each) for each in value]
    if not isinstance(value, dict):
        return value
    names = {key: key[:1].lower() + key[1:] for key in value}
    # The keys of a log driver's options are nobody's but its own.
    return {names[key]: each if key == "Options" else _lowered(each) for key, each in value.items()}
