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
SCALED = PLAN + "max_tasks = 4\n"


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


def _attributes(found: dict[str, Any]) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in found["Attributes"]}


def test_the_stack_is_made_and_every_clock_arrives(aws: Callable[[str], Any], tmp_path: Path) -> None:
    stacks, parameters = aws("cloudformation"), _parameters(aws)
    options = {"StackName": "shop", "Parameters": parameters, "Capabilities": ["CAPABILITY_IAM"]}

    stacks.create_stack(TemplateBody=_rendered(tmp_path, PLAN), **options)

    assert stacks.describe_stacks(StackName="shop")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
    ecs, balancing = aws("ecs"), aws("elbv2")
    (cluster,) = ecs.list_clusters()["clusterArns"]
    (service,) = ecs.describe_services(
        cluster=cluster, services=ecs.list_services(cluster=cluster)["serviceArns"]
    )["services"]
    task = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    (container,) = task["containerDefinitions"]
    (target,) = balancing.describe_target_groups()["TargetGroups"]
    (balancer,) = balancing.describe_load_balancers()["LoadBalancers"]
    delay = _attributes(balancing.describe_target_group_attributes(TargetGroupArn=target["TargetGroupArn"]))
    idle = _attributes(
        balancing.describe_load_balancer_attributes(LoadBalancerArn=balancer["LoadBalancerArn"])
    )
    assert (task["cpu"], task["memory"], task["requiresCompatibilities"]) == ("512", "2048", ["FARGATE"])
    assert (container["stopTimeout"], container["user"], container["readonlyRootFilesystem"]) == (
        90,
        "10001:10001",
        True,
    )
    assert container["secrets"] == [{"name": "KEY", "valueFrom": SECRET}]
    assert container["healthCheck"]["command"][:2] == ["CMD", "python"]
    assert (service["desiredCount"], service["loadBalancers"][0]["containerPort"]) == (2, 8000)
    assert delay["deregistration_delay.timeout_seconds"] == "45"
    assert idle["idle_timeout.timeout_seconds"] == "50"
    assert (target["HealthCheckPath"], target["TargetType"]) == ("/ready", "ip")
    ports = {
        each["Port"]: each["DefaultActions"][0]["Type"]
        for each in balancing.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    }
    assert ports == {80: "redirect", 443: "forward"}
    assert "release" in " ".join(ecs.list_task_definitions()["taskDefinitionArns"])

    stacks.update_stack(TemplateBody=_rendered(tmp_path, PLAN.replace("= 45", "= 60")), **options)

    delay = _attributes(balancing.describe_target_group_attributes(TargetGroupArn=target["TargetGroupArn"]))
    assert delay["deregistration_delay.timeout_seconds"] == "60"


def test_the_scaling_is_what_the_api_takes(aws: Callable[[str], Any], tmp_path: Path) -> None:
    found = yaml.load(_rendered(tmp_path, SCALED), Loader)["Resources"]
    target, policy = found["ScalableTarget"]["Properties"], found["ScalingPolicy"]["Properties"]
    ecs, scaling = aws("ecs"), aws("application-autoscaling")
    ecs.create_cluster(clusterName="all")
    container = [{"name": "app", "image": "shop", "memory": 64}]
    ecs.register_task_definition(family="shop", containerDefinitions=container)
    ecs.create_service(cluster="all", serviceName="shop", taskDefinition="shop", desiredCount=2)
    place = {key: target[key] for key in ("ServiceNamespace", "ScalableDimension")} | {
        "ResourceId": "service/all/shop"
    }

    scaling.register_scalable_target(**place, **{key: target[key] for key in ("MinCapacity", "MaxCapacity")})
    tracking = policy["TargetTrackingScalingPolicyConfiguration"]
    names = {key: policy[key] for key in ("PolicyName", "PolicyType")}
    scaling.put_scaling_policy(**place, **names, TargetTrackingScalingPolicyConfiguration=tracking)

    (held,) = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    assert (held["MinCapacity"], held["MaxCapacity"]) == (2, 4)
    (tracked,) = scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    assert tracked["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 60
