"""CodeDeploy's API of applications, deployment groups, configurations and tags."""

from __future__ import annotations

from . import registry, shapes, tags
from .calls import Calls, batch, lambda_platform
from .errors import ApiError
from .registry import Application
from .shapes import Json, required

MOST_APPLICATIONS_OR_GROUPS = 100
SERVERS_ALONE = {
    "minimumHealthyHosts": "InvalidMinimumHealthyHostValueException",
    "zonalConfig": "InvalidZonalDeploymentConfigurationException",
}


class RegistryCalls(Calls):
    def create_application(self, request: Json) -> Json:
        lambda_platform(request)
        application = Application(required(request, "applicationName"), self.service.clock.epoch())
        self.service.registry.add_application(application)
        self.service.tags.add(tags.arn_of(self.service.scope, application.name), request.get("tags") or ())
        return {"applicationId": application.id}

    def get_application(self, request: Json) -> Json:
        return {
            "application": shapes.application_json(
                self.service.registry.application(required(request, "applicationName"))
            )
        }

    def batch_get_applications(self, request: Json) -> Json:
        names = batch(request, "applicationNames", "ApplicationName", MOST_APPLICATIONS_OR_GROUPS)
        found = [self.service.registry.application(name) for name in names]
        return {"applicationsInfo": [shapes.application_json(application) for application in found]}

    def update_application(self, request: Json) -> Json:
        name = required(request, "applicationName")
        self.service.registry.application(name)
        if request.get("newApplicationName"):
            self.service.rename_application(name, required(request, "newApplicationName"))
        return {}

    def list_applications(self, request: Json) -> Json:
        return self._page("applications", [one.name for one in self.service.registry.applications()], request)

    def delete_application(self, request: Json) -> Json:
        self.service.registry.remove_application(required(request, "applicationName"))
        return {}

    def create_deployment_group(self, request: Json) -> Json:
        group = shapes.group(request)
        self.service.registry.add_group(group)
        self.service.tags.add(tags.arn_of(self.service.scope, group.application, group.name), request.get("tags") or ())
        return {"deploymentGroupId": group.id}

    def get_deployment_group(self, request: Json) -> Json:
        group = self.service.registry.group(
            required(request, "applicationName"), required(request, "deploymentGroupName")
        )
        return {"deploymentGroupInfo": shapes.group_json(group, self._of(group.application, group.name))}

    def batch_get_deployment_groups(self, request: Json) -> Json:
        """Names that no group has are left out, and `errorMessage` says so. ? The text is the stage's own."""
        application = required(request, "applicationName")
        known = {group.name: group for group in self.service.registry.groups(application)}
        names = batch(request, "deploymentGroupNames", "DeploymentGroupName", MOST_APPLICATIONS_OR_GROUPS)
        missing = [name for name in names if name not in known]
        found = [known[name] for name in names if name in known]
        return {
            "deploymentGroupsInfo": [shapes.group_json(group, self._of(application, group.name)) for group in found],
            **({"errorMessage": f"No Deployment Group found for name: {', '.join(missing)}"} if missing else {}),
        }

    def update_deployment_group(self, request: Json) -> Json:
        name = required(request, "currentDeploymentGroupName")
        old = self.service.registry.group(required(request, "applicationName"), name)
        self.service.change_group(name, shapes.group(request, old))
        return {"hooksNotCleanedUp": []}

    def delete_deployment_group(self, request: Json) -> Json:
        self.service.registry.remove_group(
            required(request, "applicationName"), required(request, "deploymentGroupName")
        )
        return {"hooksNotCleanedUp": []}

    def list_deployment_groups(self, request: Json) -> Json:
        application = required(request, "applicationName")
        groups = self.service.registry.groups(application)
        return {
            "applicationName": application,
            **self._page("deploymentGroups", [group.name for group in groups], request),
        }

    def create_deployment_config(self, request: Json) -> Json:
        lambda_platform(request)
        for member, error in SERVERS_ALONE.items():
            if request.get(member):
                raise ApiError(error, f"A configuration of the Lambda platform has no {member}.")
        config = registry.Config(
            required(request, "deploymentConfigName"),
            shapes.routing(request.get("trafficRoutingConfig")),
            self.service.clock.epoch(),
        )
        self.service.registry.add_config(config)
        return {"deploymentConfigId": config.id}

    def get_deployment_config(self, request: Json) -> Json:
        config = self.service.registry.config(required(request, "deploymentConfigName"))
        return {"deploymentConfigInfo": shapes.config_json(config)}

    def list_deployment_configs(self, request: Json) -> Json:
        names = [config.name for config in self.service.registry.configs()]
        return self._page("deploymentConfigsList", names, request)

    def delete_deployment_config(self, request: Json) -> Json:
        self.service.registry.remove_config(required(request, "deploymentConfigName"))
        return {}

    def tag_resource(self, request: Json) -> Json:
        if not request.get("Tags"):
            raise ApiError("TagRequiredException", "The Tags are required.")
        self.service.tags.add(self._tagged(request), request["Tags"])
        return {}

    def untag_resource(self, request: Json) -> Json:
        self.service.tags.remove(self._tagged(request), request.get("TagKeys") or ())
        return {}

    def list_tags_for_resource(self, request: Json) -> Json:
        found = self.service.tags.of(self._tagged(request))
        return {"Tags": [{"Key": key, "Value": value} for key, value in found.items()]}

    def _tagged(self, request: Json) -> str:
        return tags.check(required(request, "ResourceArn"), self.service.registry)
