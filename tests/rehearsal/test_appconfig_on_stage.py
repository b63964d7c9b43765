"""AppConfig on the stage lists deployments as AWS does."""

from __future__ import annotations

from rehearsal.stage import Stage


def test_deployments_are_listed_newest_first_each_with_its_profile_and_page_by_page(stage: Stage) -> None:
    client = stage.client("appconfig")
    application = client.create_application(Name="shop")["Id"]
    environment = client.create_environment(ApplicationId=application, Name="production")["Id"]
    profiles = [
        client.create_configuration_profile(ApplicationId=application, Name=name, LocationUri="hosted")["Id"]
        for name in ("checkout", "other")
    ]
    for number in range(5):
        client.start_deployment(
            ApplicationId=application,
            EnvironmentId=environment,
            ConfigurationProfileId=profiles[number % 2],
            ConfigurationVersion="1",
            DeploymentStrategyId="AppConfig.AllAtOnce",
        )
        client.stop_deployment(
            ApplicationId=application, EnvironmentId=environment, DeploymentNumber=number + 1, AllowRevert=True
        )

    listed = client.get_paginator("list_deployments").paginate(
        ApplicationId=application, EnvironmentId=environment, PaginationConfig={"PageSize": 2}
    )
    pages = [[(one["DeploymentNumber"], one["ConfigurationProfileId"]) for one in page["Items"]] for page in listed]
    first, second = profiles
    assert pages == [[(5, first), (4, second)], [(3, first), (2, second)], [(1, first)]]
