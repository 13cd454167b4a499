"""deploy/stack.yaml: the service on Amazon ECS behind an ALB, as one CloudFormation template."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gunwale.errors import ConfigurationError, Problem
from gunwale.plan import chain
from gunwale.render import ecs_task, start
from gunwale.render.artifact import Artifact
from gunwale.render.words import number
from gunwale.render.yaml_lines import Because, Tag, lines

if TYPE_CHECKING:
    from gunwale.plan.layer import Layer
    from gunwale.render.deployment import Deployment

PATHS = ("deploy/stack.yaml",)
NEEDS = ("ecs",)
_PARAMETERS = {
    "Image": ("String", "The image to run, by its digest"),
    "VpcId": ("AWS::EC2::VPC::Id", "Where everything runs"),
    "PublicSubnets": ("List<AWS::EC2::Subnet::Id>", "Of the load balancer: two zones at least"),
    "PrivateSubnets": ("List<AWS::EC2::Subnet::Id>", "Of the tasks; they reach out by a NAT or endpoints"),
    "CertificateArn": ("String", "The certificate of the host names, in ACM"),
}
_SCALE_AT_PERCENT = 60


def fits(deployment: Deployment) -> bool:
    """Whether the platform is Amazon ECS."""
    return deployment.plan.rollout.platform in NEEDS


def render(deployment: Deployment) -> list[Artifact]:
    """Render the template."""
    balancer = _balancer(deployment)
    command = deployment.plan.rollout.release_command
    resources: dict[str, object] = {
        "Cluster": {"Type": "AWS::ECS::Cluster"},
        "LogGroup": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 30}},
        **ecs_task.roles(deployment),
        **_groups(deployment),
        **_front(deployment, balancer),
        "TaskDefinition": ecs_task.definition(deployment),
        **({"ReleaseTaskDefinition": ecs_task.definition(deployment, command)} if command else {}),
        "Service": _service(deployment),
        **_scaling(deployment),
    }
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"{deployment.plan.name} on Amazon ECS, behind an ALB",
        "Parameters": {name: {"Type": kind, "Description": why} for name, (kind, why) in _PARAMETERS.items()},
        "Resources": resources,
    }
    body = [*lines(template), "  # >>> yours: resources", "  # <<< yours: resources"]
    return [Artifact(target="ecs", path=PATHS[0], body="\n".join(body))]


def _balancer(deployment: Deployment) -> Layer:
    layers = chain.layers(deployment.plan.proxies.chain)
    if not layers or layers[-1].name != "alb":
        last = f"the last layer of the chain is {layers[-1].name}" if layers else "no chain is declared"
        hint = 'write chain = [{name = "alb", tls = true}] under [tool.gunwale.proxies]'
        raise ConfigurationError(
            Problem(where="gunwale render ecs", message=f"proxies.chain: {last}", hint=hint)
        )
    return layers[-1]


def _groups(deployment: Deployment) -> dict[str, object]:
    port = start.listener(deployment).port
    world = [
        {
            "IpProtocol": "tcp",
            "FromPort": each,
            "ToPort": each,
            "CidrIp": "0.0.0.0/0",
            "Description": "clients",
        }
        for each in (80, 443)
    ]
    balancer = {
        "IpProtocol": "tcp",
        "FromPort": port,
        "ToPort": port,
        "SourceSecurityGroupId": Tag("!Ref BalancerGroup"),
        "Description": "nobody gets past the load balancer, whose fields the application believes",
    }
    return {
        "BalancerGroup": _group("the load balancer: clients", world),
        "TaskGroup": _group("the tasks: the load balancer only", [balancer]),
    }


def _group(description: str, ingress: object) -> dict[str, object]:
    properties = {
        "GroupDescription": description,
        "VpcId": Tag("!Ref VpcId"),
        "SecurityGroupIngress": ingress,
    }
    return {"Type": "AWS::EC2::SecurityGroup", "Properties": properties}


def _front(deployment: Deployment, balancer: Layer) -> dict[str, object]:
    redirect = {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}
    forward = [{"Type": "forward", "TargetGroupArn": Tag("!Ref TargetGroup")}]
    return {
        "LoadBalancer": _load_balancer(deployment, balancer),
        "TargetGroup": _target_group(deployment),
        "HttpListener": _listener("HTTP", 80, [{"Type": "redirect", "RedirectConfig": redirect}], {}),
        "HttpsListener": _listener(
            "HTTPS",
            443,
            forward,
            {
                "Certificates": [{"CertificateArn": Tag("!Ref CertificateArn")}],
                "SslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
            },
        ),
    }


def _listener(protocol: str, port: int, actions: object, more: dict[str, object]) -> dict[str, object]:
    properties = {
        "LoadBalancerArn": Tag("!Ref LoadBalancer"),
        "Protocol": protocol,
        "Port": port,
        "DefaultActions": actions,
        **more,
    }
    return {"Type": "AWS::ElasticLoadBalancingV2::Listener", "Properties": properties}


def _attribute(key: str, value: str, why: str = "") -> object:
    pair = {"Key": key, "Value": value}
    return Because(pair, why) if why else pair


def _load_balancer(deployment: Deployment, balancer: Layer) -> dict[str, object]:
    idle = number(balancer.idle_timeout or 60)
    attributes = [
        _attribute("idle_timeout.timeout_seconds", idle, deployment.because("serve.keepalive")),
        _attribute("routing.http.xff_header_processing.mode", "append", deployment.because("proxies.hops")),
        _attribute("routing.http.xff_client_port.enabled", "false"),
        _attribute(
            "routing.http.drop_invalid_header_fields.enabled",
            "true",
            "X_Forwarded_For is the twin of X-Forwarded-For in a WSGI environ",
        ),
    ]
    properties = {
        "Type": "application",
        "Scheme": "internet-facing",
        "Subnets": Tag("!Ref PublicSubnets"),
        "SecurityGroups": [Tag("!Ref BalancerGroup")],
        "LoadBalancerAttributes": attributes,
    }
    return {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer", "Properties": properties}


def _target_group(deployment: Deployment) -> dict[str, object]:
    plan = deployment.plan
    delay = plan.rollout.deregistration_delay
    every = ecs_task.interval(deployment)
    attributes = []
    if delay is not None:
        why = deployment.because("rollout.deregistration_delay")
        attributes = [_attribute("deregistration_delay.timeout_seconds", str(math.ceil(delay)), why)]
    properties: dict[str, object] = {
        "TargetType": "ip",
        "Protocol": "HTTP",
        "Port": start.listener(deployment).port,
        "VpcId": Tag("!Ref VpcId"),
        "HealthCheckPath": Because(plan.health.readiness_path, deployment.because("health.readiness_path")),
        "HealthCheckIntervalSeconds": Because(every, deployment.because("health.interval")),
        # Below the interval, as the API wants it.
        "HealthCheckTimeoutSeconds": Because(
            min(every - 1, max(2, math.ceil(plan.health.timeout))), deployment.because("health.timeout")
        ),
        "HealthyThresholdCount": 2,
        "UnhealthyThresholdCount": 2,
        "Matcher": {"HttpCode": "200"},
        "TargetGroupAttributes": attributes,
    }
    return {"Type": "AWS::ElasticLoadBalancingV2::TargetGroup", "Properties": properties}


def _service(deployment: Deployment) -> dict[str, object]:
    rollout = deployment.plan.rollout
    properties: dict[str, object] = {
        "Cluster": Tag("!Ref Cluster"),
        "TaskDefinition": Tag("!Ref TaskDefinition"),
        "LaunchType": "FARGATE",
        "PlatformVersion": "LATEST",
        **_count(deployment),
        "HealthCheckGracePeriodSeconds": Because(
            math.ceil(rollout.ready_timeout), deployment.because("rollout.ready_timeout")
        ),
        "DeploymentConfiguration": {
            "MinimumHealthyPercent": Because(rollout.min_percent, deployment.because("rollout.min_percent")),
            "MaximumPercent": Because(rollout.max_percent, deployment.because("rollout.max_percent")),
            "DeploymentCircuitBreaker": {"Enable": True, "Rollback": True},
        },
        "NetworkConfiguration": {
            "AwsvpcConfiguration": {
                "AssignPublicIp": "DISABLED",
                "Subnets": Tag("!Ref PrivateSubnets"),
                "SecurityGroups": [Tag("!Ref TaskGroup")],
            }
        },
        "LoadBalancers": [
            {
                "ContainerName": "app",
                "ContainerPort": start.listener(deployment).port,
                "TargetGroupArn": Tag("!Ref TargetGroup"),
            }
        ],
    }
    return {"Type": "AWS::ECS::Service", "DependsOn": ["HttpsListener"], "Properties": properties}


def _count(deployment: Deployment) -> dict[str, object]:
    rollout = deployment.plan.rollout
    if rollout.max_tasks is not None:
        return {}  # an update of the stack would throw away what the scaling has reached
    return {"DesiredCount": Because(rollout.tasks, deployment.because("rollout.tasks"))}


def _scaling(deployment: Deployment) -> dict[str, object]:
    rollout = deployment.plan.rollout
    if rollout.max_tasks is None:
        return {}
    target = {
        "ServiceNamespace": "ecs",
        "ScalableDimension": "ecs:service:DesiredCount",
        "ResourceId": Tag("!Sub service/${Cluster}/${Service.Name}"),
        "MinCapacity": Because(rollout.tasks, deployment.because("rollout.tasks")),
        "MaxCapacity": Because(rollout.max_tasks, deployment.because("rollout.max_tasks")),
    }
    policy = {
        "PolicyName": "cpu",
        "PolicyType": "TargetTrackingScaling",
        "ScalingTargetId": Tag("!Ref ScalableTarget"),
        "TargetTrackingScalingPolicyConfiguration": {
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
            "TargetValue": _SCALE_AT_PERCENT,
        },
    }
    return {
        "ScalableTarget": {"Type": "AWS::ApplicationAutoScaling::ScalableTarget", "Properties": target},
        "ScalingPolicy": {"Type": "AWS::ApplicationAutoScaling::ScalingPolicy", "Properties": policy},
    }
