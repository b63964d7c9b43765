"""MiniStack's CloudFormation has no AWS::CodeDeploy::*: these provision applications, groups and configurations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ministack.services.cloudformation import provisioners

from . import registry, shapes
from .registry import Application, Group
from .service import Service

type Properties = Mapping[str, Any]
type Provisioned = tuple[str, dict[str, str]]

APPLICATION = "AWS::CodeDeploy::Application"
GROUP = "AWS::CodeDeploy::DeploymentGroup"
CONFIG = "AWS::CodeDeploy::DeploymentConfig"
LONGEST_NAME = 100


def install(service: Service) -> None:
    """Teach MiniStack's CloudFormation the three types."""
    provisioners._RESOURCE_HANDLERS.update(
        {
            APPLICATION: _handlers(Applications(service)),
            GROUP: _handlers(Groups(service)),
            CONFIG: _handlers(Configs(service)),
        }
    )


def _handlers(kind: Applications | Groups | Configs) -> dict[str, Any]:
    return {
        "create": kind.create,
        "update": kind.update,
        "update_with_logical_id": True,
        "delete": kind.delete,
    }


def _name(properties: Properties, member: str, stack: str, logical_id: str) -> str:
    return str(properties.get(member) or provisioners._physical_name(stack, logical_id, max_len=LONGEST_NAME))


def _for_lambda(kind: str, logical_id: str, properties: Properties) -> None:
    """Raises ValueError for what servers and containers have; a template that says nothing means servers."""
    platform = properties.get("ComputePlatform", "Server")
    if platform != "Lambda":
        raise ValueError(f"{kind} {logical_id}: the stage's ComputePlatform is Lambda, not {platform}")


@dataclass(frozen=True)
class Applications:
    service: Service

    def create(self, logical_id: str, properties: Properties, stack: str) -> Provisioned:
        _for_lambda(APPLICATION, logical_id, properties)
        name = _name(properties, "ApplicationName", stack, logical_id)
        self.service.registry.add_application(Application(name, self.service.clock.epoch()))
        return name, {}

    def update(self, name: str, old: Properties, new: Properties, stack: str, logical_id: str) -> Provisioned:
        """Another name is another application; the old one goes when the update is done."""
        if new.get("ApplicationName") in (None, name) and new.get("ComputePlatform") == old.get("ComputePlatform"):
            return name, {}
        return self.create(logical_id, new, stack)

    def delete(self, name: str, properties: Properties) -> None:
        self.service.registry.remove_application(name)


@dataclass(frozen=True)
class Groups:
    service: Service

    def create(self, logical_id: str, properties: Properties, stack: str) -> Provisioned:
        group = self._group(logical_id, properties, stack)
        self.service.registry.add_group(group)
        return group.name, {"Id": group.id}

    def update(self, name: str, old: Properties, new: Properties, stack: str, logical_id: str) -> Provisioned:
        """In place, with what the template no longer says back at its default; another name is another group.

        ? Alarms stay (CDK has a flag that disables them by name, because they do).
        """
        group = self._group(logical_id, new, stack)
        if group.name != name or group.application != old.get("ApplicationName"):
            self.service.registry.add_group(group)
            return group.name, {"Id": group.id}
        if "AlarmConfiguration" not in new and self.service.behaviour.removed_alarms_stay:
            group = replace(group, alarms=self.service.registry.group(group.application, name).alarms)
        self.service.registry.change_group(name, group)
        return name, {"Id": self.service.registry.group(group.application, name).id}

    def delete(self, name: str, properties: Properties) -> None:
        self.service.registry.remove_group(str(properties.get("ApplicationName")), name)

    def _group(self, logical_id: str, properties: Properties, stack: str) -> Group:
        request = shapes.lower_first(dict(properties))
        return shapes.group(
            {**request, "deploymentGroupName": _name(properties, "DeploymentGroupName", stack, logical_id)}
        )


@dataclass(frozen=True)
class Configs:
    service: Service

    def create(self, logical_id: str, properties: Properties, stack: str) -> Provisioned:
        _for_lambda(CONFIG, logical_id, properties)
        name = _name(properties, "DeploymentConfigName", stack, logical_id)
        routing = shapes.routing(shapes.lower_first(properties.get("TrafficRoutingConfig")))
        self.service.registry.add_config(registry.Config(name, routing, self.service.clock.epoch()))
        return name, {}

    def update(self, name: str, old: Properties, new: Properties, stack: str, logical_id: str) -> Provisioned:
        """A configuration never changes: another one takes its place, under another name."""
        create = provisioners._seeded_create
        created: Provisioned = create(self.create, logical_id, new, stack)
        return created

    def delete(self, name: str, properties: Properties) -> None:
        self.service.registry.remove_config(name)
