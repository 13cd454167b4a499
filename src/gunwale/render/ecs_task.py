"""A task of Amazon ECS on Fargate: its size, its container, its roles and its log."""

from __future__ import annotations

import math
import shlex
from typing import TYPE_CHECKING, Any

from gunwale.errors import ConfigurationError, Problem
from gunwale.plan import fargate
from gunwale.render import start
from gunwale.render.yaml_lines import Because, Tag

if TYPE_CHECKING:
    from gunwale.render.deployment import Deployment

_MIB = 2**20
_TASKS = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
_READS = {"secretsmanager": "secretsmanager:GetSecretValue", "ssm": "ssm:GetParameters"}


def definition(deployment: Deployment, command: str | None = None) -> dict[str, object]:
    """Return the task definition: the application's, or with *command* the release task's."""
    size = _size(deployment)
    memory = deployment.plan.resources.memory
    given = f"{memory // _MIB} MiB" if memory is not None else "the least that Fargate has for these CPUs"
    family = f"{deployment.plan.name}-release" if command else deployment.plan.name
    return {
        "Type": "AWS::ECS::TaskDefinition",
        "Properties": {
            "Family": family,
            "RequiresCompatibilities": ["FARGATE"],
            "NetworkMode": "awsvpc",
            "Cpu": Because(str(size.units), deployment.because("resources.cpu")),
            "Memory": Because(str(size.memory), f"resources.memory: {given}"),
            "ExecutionRoleArn": Tag("!GetAtt ExecutionRole.Arn"),
            "TaskRoleArn": Tag("!GetAtt TaskRole.Arn"),
            "ContainerDefinitions": [_container(deployment, command)],
        },
    }


def _size(deployment: Deployment) -> fargate.Size:
    resources = deployment.plan.resources
    size = fargate.exact(resources.cpu, resources.memory)
    if size is None:
        message = f"Fargate has no size of {resources.cpu:g} CPUs with that memory"
        raise ConfigurationError(Problem(where="resources.cpu", message=message, hint="see gunwale plan"))
    return size


def _container(deployment: Deployment, command: str | None) -> dict[str, object]:
    plan = deployment.plan
    found: dict[str, Any] = {
        "Name": "app",
        "Image": Tag("!Ref Image"),
        "Essential": True,
        "User": Because(f"{plan.image.uid}:{plan.image.uid}", deployment.because("image.uid")),
        "ReadonlyRootFilesystem": True,
        "LinuxParameters": {
            "Capabilities": {"Drop": ["ALL"]},
            "Tmpfs": [{"ContainerPath": "/tmp", "Size": 64, "MountOptions": ["mode=1777"]}],  # noqa: S108 - the container's
        },
    }
    if command:
        found["Command"] = Because(shlex.split(command), deployment.because("rollout.release_command"))
    else:
        found |= _serves(deployment)
    secrets = {name: arn for name, arn in plan.environment.secrets.items() if arn.startswith("arn:")}
    if secrets:
        found["Secrets"] = [{"Name": name, "ValueFrom": arn} for name, arn in secrets.items()]
    options = {
        "awslogs-group": Tag("!Ref LogGroup"),
        "awslogs-region": Tag("!Ref AWS::Region"),
        "awslogs-stream-prefix": "release" if command else "app",
        "mode": "non-blocking",
    }
    found["LogConfiguration"] = {"LogDriver": "awslogs", "Options": options}
    return found


def _serves(deployment: Deployment) -> dict[str, object]:
    plan = deployment.plan
    health, rollout = plan.health, plan.rollout
    # The API's own limits: interval 5 to 300, timeout 2 to 60, startPeriod 0 to 300.
    period = min(300, math.ceil(rollout.ready_timeout))
    return {
        "PortMappings": [{"ContainerPort": start.listener(deployment).port}],
        "StopTimeout": Because(math.ceil(rollout.stop_timeout), deployment.stop_sum()),
        "HealthCheck": {
            "Command": Because(
                ["CMD", *start.health(deployment, health.liveness_path)],
                "ECS does not look at the image's HEALTHCHECK. Liveness: a task is replaced when this fails.",
            ),
            "Interval": Because(interval(deployment), deployment.because("health.interval")),
            # Below the interval, as long as the plan's are.
            "Timeout": Because(
                min(60, interval(deployment), max(2, math.ceil(health.timeout) + 1)),
                deployment.because("health.timeout"),
            ),
            "Retries": 3,
            "StartPeriod": Because(period, deployment.because("rollout.ready_timeout")),
        },
    }


def interval(deployment: Deployment) -> int:
    """Return seconds between two health checks, inside what AWS takes."""
    return min(300, max(5, math.ceil(deployment.plan.health.interval)))


def roles(deployment: Deployment) -> dict[str, object]:
    """Return the role that starts a task, and may read the secrets, and the application's: it may nothing."""
    execution: dict[str, Any] = {
        "AssumeRolePolicyDocument": _TASKS,
        "ManagedPolicyArns": [
            Tag("!Sub arn:${AWS::Partition}:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy")
        ],
    }
    statements = []
    arns = [arn for arn in deployment.plan.environment.secrets.values() if arn.startswith("arn:")]
    for service, action in _READS.items():
        if found := sorted({_resource(arn) for arn in arns if arn.split(":")[2:3] == [service]}):
            statements.append({"Effect": "Allow", "Action": action, "Resource": found})
    if statements:
        document = {"Version": "2012-10-17", "Statement": statements}
        execution["Policies"] = [{"PolicyName": "secrets", "PolicyDocument": document}]
    return {
        "ExecutionRole": {"Type": "AWS::IAM::Role", "Properties": execution},
        "TaskRole": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": _TASKS}},
    }


def _resource(arn: str) -> str:
    """Cut the key of a JSON secret off its ARN: the policy is about the secret."""
    parts = arn.split(":")
    return ":".join(parts[:7]) if parts[2:3] == ["secretsmanager"] else arn
