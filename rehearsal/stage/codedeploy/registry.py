"""MiniStack has no CodeDeploy: these are its applications, deployment groups and configurations, an account each."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from . import shifting
from .behaviour import Behaviour
from .errors import ApiError
from .model import MOST_ALARMS, Alarms, AutoRollback, Scope
from .revisions import Revisions
from .shifting import Routing

MOST_CUSTOM_CONFIGS = 200
MOST_TRIGGERS = 10


@dataclass(frozen=True)
class Application:
    name: str
    created: float
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(frozen=True)
class Trigger:
    """`topic` is the ARN of the SNS topic that is told of `events`, as DeploymentFailure."""

    name: str
    topic: str
    events: frozenset[str]


@dataclass(frozen=True)
class Group:
    application: str
    name: str
    config: str
    role: str
    alarms: Alarms = field(default_factory=Alarms)
    auto_rollback: AutoRollback = field(default_factory=AutoRollback)
    triggers: tuple[Trigger, ...] = ()
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(frozen=True)
class Config:
    """`created` is None for a predefined configuration."""

    name: str
    routing: Routing
    created: float | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


class Registry:
    """What stands in one account and Region. Every method raises ApiError with the API's name for what is wrong."""

    def __init__(self, behaviour: Callable[[], Behaviour] = Behaviour) -> None:
        self.revisions = Revisions()
        self._behaviour = behaviour
        self._applications: dict[str, Application] = {}
        self._groups: dict[tuple[str, str], Group] = {}
        self._configs = {name: Config(name, routing) for name, routing in shifting.PREDEFINED.items()}

    def add_application(self, application: Application) -> None:
        if application.name in self._applications:
            raise ApiError(
                "ApplicationAlreadyExistsException", f"An application named {application.name} already exists."
            )
        self._applications[application.name] = application

    def application(self, name: str) -> Application:
        if name not in self._applications:
            raise ApiError("ApplicationDoesNotExistException", f"No application found for name: {name}")
        return self._applications[name]

    def applications(self) -> list[Application]:
        return list(self._applications.values())

    def remove_application(self, name: str) -> None:
        """With its groups, as on AWS; one that isn't there is no error."""
        self._applications.pop(name, None)
        self.revisions.forget(name)
        for key in [key for key in self._groups if key[0] == name]:
            del self._groups[key]

    def rename_application(self, name: str, new: str) -> None:
        """Its groups and revisions follow."""
        application = self.application(name)
        self.add_application(replace(application, name=new))
        del self._applications[name]
        self.revisions.rename(name, new)
        for group in [group for group in self._groups.values() if group.application == name]:
            del self._groups[name, group.name]
            self._groups[new, group.name] = replace(group, application=new)

    def add_group(self, group: Group) -> None:
        self._check(group)
        if (group.application, group.name) in self._groups:
            raise ApiError(
                "DeploymentGroupAlreadyExistsException",
                f"Deployment group name already exists: {group.name} in application {group.application}",
            )
        self._groups[group.application, group.name] = group

    def change_group(self, name: str, group: Group) -> None:
        """Put `group`, which may have a new name, in the place of the one called `name`."""
        old = self.group(group.application, name)
        self._check(group)
        if group.name != name and (group.application, group.name) in self._groups:
            raise ApiError(
                "DeploymentGroupAlreadyExistsException",
                f"Deployment group name already exists: {group.name} in application {group.application}",
            )
        del self._groups[group.application, name]
        self._groups[group.application, group.name] = replace(group, id=old.id)

    def group(self, application: str, name: str) -> Group:
        self.application(application)
        if (application, name) not in self._groups:
            raise ApiError("DeploymentGroupDoesNotExistException", f"No Deployment Group found for name: {name}")
        return self._groups[application, name]

    def groups(self, application: str) -> list[Group]:
        self.application(application)
        return [group for group in self._groups.values() if group.application == application]

    def remove_group(self, application: str, name: str) -> None:
        """One that isn't there is no error, as on AWS."""
        self._groups.pop((application, name), None)

    def add_config(self, config: Config) -> None:
        problem = shifting.problem(config.routing)
        if problem:
            raise ApiError("InvalidTrafficRoutingConfigurationException", problem)
        if config.name.startswith(shifting.PREFIX):
            raise ApiError(
                "InvalidDeploymentConfigNameException", f"Deployment Configuration {config.name} is reserved."
            )
        if config.name in self._configs:
            raise ApiError(
                "DeploymentConfigAlreadyExistsException", f"Deployment Configuration {config.name} already exists."
            )
        if len(self._configs) >= MOST_CUSTOM_CONFIGS + len(shifting.PREDEFINED):
            raise ApiError(
                "DeploymentConfigLimitExceededException", f"There are {MOST_CUSTOM_CONFIGS} configurations already."
            )
        self._configs[config.name] = config

    def config(self, name: str) -> Config:
        if name not in self._configs:
            raise ApiError(
                "DeploymentConfigDoesNotExistException",
                f"No Deployment Configuration found for name: {name} (the stage has those of the Lambda platform)",
            )
        return self._configs[name]

    def configs(self) -> list[Config]:
        return list(self._configs.values())

    def remove_config(self, name: str) -> None:
        if name.startswith(shifting.PREFIX):
            raise ApiError("InvalidOperationException", f"Deployment Configuration {name} can't be deleted.")
        users = [group.name for group in self._groups.values() if group.config == name]
        if users:
            raise ApiError(
                "DeploymentConfigInUseException",
                f"Deployment Configuration {name} is in use by deployment group {users[0]}.",
            )
        self._configs.pop(name, None)

    def _check(self, group: Group) -> None:
        self.application(group.application)
        self.config(group.config)
        self.check_alarms(group.alarms)
        check_rollback(group.auto_rollback)
        if len(group.triggers) > MOST_TRIGGERS:
            raise ApiError(
                "TriggerTargetsLimitExceededException", f"A deployment group has at most {MOST_TRIGGERS} triggers."
            )

    def check_alarms(self, alarms: Alarms) -> None:
        if alarms.enabled and not alarms.names and self._behaviour().empty_alarms_refused:
            raise ApiError("InvalidAlarmConfigException", "The alarms are enabled and none is listed.")
        if len(alarms.names) > MOST_ALARMS:
            raise ApiError("AlarmsLimitExceededException", f"A deployment group has at most {MOST_ALARMS} alarms.")


def check_rollback(rollback: AutoRollback) -> None:
    if rollback.enabled and not rollback.causes:
        raise ApiError(
            "InvalidAutoRollbackConfigException", "Automatic rollback is enabled without events: name at least one."
        )


class Registries:
    """A registry for each account and Region, made when it is first asked for."""

    def __init__(self, behaviour: Callable[[], Behaviour]) -> None:
        self._behaviour = behaviour
        self._of: dict[Scope, Registry] = {}

    def of(self, scope: Scope) -> Registry:
        return self._of.setdefault(scope, Registry(self._behaviour))

    def clear(self) -> None:
        self._of.clear()
