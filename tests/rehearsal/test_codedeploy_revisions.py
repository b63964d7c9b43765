"""Revisions on the stage's CodeDeploy, registered and deployed, as boto3 sees them."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.stage import Stage
from tests.on_stage import ended

ROLE = "arn:aws:iam::111122223333:role/unknown"


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """With a function of two versions, behind one alias for each test that shifts."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as package:
        package.writestr("index.py", "def handler(event, context):\n    return 1\n")
    with Stage(manual=True) as started:
        functions = started.client("lambda")
        functions.create_function(
            FunctionName="service",
            Runtime="python3.13",
            Handler="index.handler",
            Role=ROLE,
            Code={"ZipFile": packed.getvalue()},
        )
        for description in ("one", "two"):
            functions.update_function_configuration(FunctionName="service", Description=description)
            functions.publish_version(FunctionName="service")
        started.client("s3").create_bucket(
            Bucket="revisions", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        yield started


@pytest.fixture
def codedeploy(stage: Stage, request: pytest.FixtureRequest) -> Any:
    """With an application and a group of this test's name."""
    client = stage.client("codedeploy")
    name = named(request)
    client.create_application(applicationName=name, computePlatform="Lambda")
    client.create_deployment_group(applicationName=name, deploymentGroupName="group", serviceRoleArn=ROLE)
    stage.client("lambda").create_alias(FunctionName="service", Name=name[-60:], FunctionVersion="1")
    return client


@pytest.fixture
def application(request: pytest.FixtureRequest) -> str:
    return named(request)


def named(request: pytest.FixtureRequest) -> str:
    return request.node.name.partition("[")[0][:100]


def appspec(application: str, current: str = "1", target: str = "2") -> str:
    properties = {
        "Name": "service",
        "Alias": application[-60:],
        "CurrentVersion": current,
        "TargetVersion": target,
    }
    resource = {"it": {"Type": "AWS::Lambda::Function", "Properties": properties}}
    return json.dumps({"version": 0.0, "Resources": [resource]})


def text(content: str) -> dict[str, Any]:
    return {"revisionType": "String", "string": {"content": content}}


def checksum(content: str) -> dict[str, Any]:
    return {"revisionType": "String", "string": {"sha256": hashlib.sha256(content.encode()).hexdigest()}}


def in_s3(key: str, **members: str) -> dict[str, Any]:
    return {"revisionType": "S3", "s3Location": {"bucket": "revisions", "key": key, "bundleType": "JSON", **members}}


def deploy(stage: Stage, codedeploy: Any, application: str, revision: dict[str, Any]) -> str:
    started = str(
        codedeploy.create_deployment(applicationName=application, deploymentGroupName="group", revision=revision)[
            "deploymentId"
        ]
    )
    assert ended(stage, started)["status"] == "Succeeded"
    return started


def code(of: pytest.ExceptionInfo[ClientError]) -> str:
    return str(of.value.response["Error"]["Code"])


def test_a_registered_revision_is_known_before_any_deployment_used_it(
    stage: Stage, codedeploy: Any, application: str
) -> None:
    spec = appspec(application)
    codedeploy.register_application_revision(applicationName=application, description="mine", revision=text(spec))
    found = codedeploy.get_application_revision(applicationName=application, revision=checksum(spec))
    assert found["revision"]["string"]["content"] == spec
    info = found["revisionInfo"]
    assert (info["description"], info["deploymentGroups"]) == ("mine", [])
    assert "firstUsedTime" not in info
    deploy(stage, codedeploy, application, text(spec))
    info = codedeploy.get_application_revision(applicationName=application, revision=text(spec))["revisionInfo"]
    assert (info["description"], info["deploymentGroups"]) == ("mine", ["group"])
    assert info["registerTime"] <= info["firstUsedTime"] == info["lastUsedTime"]


def test_a_deployment_registers_its_revision_and_the_next_good_one_takes_its_place(
    stage: Stage, codedeploy: Any, application: str
) -> None:
    there, back = appspec(application), appspec(application, "2", "1")
    started = deploy(stage, codedeploy, application, text(there))
    found = codedeploy.get_application_revision(applicationName=application, revision=checksum(there))
    assert found["revisionInfo"]["description"] == f"Application revision registered by Deployment ID: {started}"
    deploy(stage, codedeploy, application, text(back))
    infos = codedeploy.batch_get_application_revisions(
        applicationName=application, revisions=[text(there), checksum(back), text("other")]
    )
    groups = [one["genericRevisionInfo"]["deploymentGroups"] for one in infos["revisions"]]
    assert groups == [[], ["group"]]
    assert "1 of the revisions" in infos["errorMessage"]

    def listed(**how: str) -> list[str]:
        answer = codedeploy.list_application_revisions(applicationName=application, **how)
        return [one["string"]["content"] for one in answer["revisions"]]

    assert listed(sortBy="firstUsedTime", sortOrder="descending") == [back, there]
    assert listed(sortBy="registerTime", sortOrder="ascending") == [there, back]
    assert (listed(deployed="include"), listed(deployed="exclude")) == ([back], [there])


def test_an_appspec_in_s3_is_read_when_it_is_deployed(stage: Stage, codedeploy: Any, application: str) -> None:
    codedeploy.register_application_revision(applicationName=application, revision=in_s3("specs/later.json"))
    with pytest.raises(ClientError, match="There is no object s3://revisions/specs/later") as missing:
        deploy(stage, codedeploy, application, in_s3("specs/later.json"))
    assert code(missing) == "RevisionDoesNotExistException"
    stage.client("s3").put_object(Bucket="revisions", Key="specs/later.json", Body=appspec(application).encode())
    started = deploy(stage, codedeploy, application, in_s3("specs/later.json"))
    info = codedeploy.get_deployment(deploymentId=started)["deploymentInfo"]
    assert info["revision"] == in_s3("specs/later.json")
    codedeploy.register_application_revision(applicationName=application, revision=in_s3("other.json"))
    listed = codedeploy.list_application_revisions(
        applicationName=application, s3Bucket="revisions", s3KeyPrefix="specs/"
    )
    assert listed["revisions"] == [in_s3("specs/later.json")]


@pytest.mark.parametrize(
    ("operation", "asked", "error"),
    [
        ("register_application_revision", {"revision": in_s3("a", bundleType="zip")}, "InvalidRevisionException"),
        (
            "register_application_revision",
            {"revision": {"revisionType": "GitHub", "gitHubLocation": {"repository": "a/b", "commitId": "c"}}},
            "InvalidRevisionException",
        ),
        ("get_application_revision", {"revision": text("unknown")}, "RevisionDoesNotExistException"),
        ("batch_get_application_revisions", {"revisions": []}, "RevisionRequiredException"),
        (
            "batch_get_application_revisions",
            {"revisions": [text(str(n)) for n in range(26)]},
            "BatchLimitExceededException",
        ),
        ("list_application_revisions", {"sortBy": "name"}, "InvalidSortByException"),
        ("list_application_revisions", {"sortOrder": "up"}, "InvalidSortOrderException"),
        ("list_application_revisions", {"deployed": "maybe"}, "InvalidDeployedStateFilterException"),
        ("list_application_revisions", {"s3KeyPrefix": "specs/"}, "BucketNameFilterRequiredException"),
        ("list_application_revisions", {"nextToken": "made up"}, "InvalidNextTokenException"),
    ],
)
def test_a_wrong_request_about_revisions_has_an_error_of_the_service_model(
    stage: Stage, operation: str, asked: dict[str, Any], error: str
) -> None:
    codedeploy = stage.client("codedeploy")
    if "errors" not in codedeploy.list_applications()["applications"]:
        codedeploy.create_application(applicationName="errors", computePlatform="Lambda")
    with pytest.raises(ClientError) as refused:
        getattr(codedeploy, operation)(applicationName="errors", **asked)
    assert code(refused) == error


def test_revisions_follow_an_application_that_is_renamed_and_go_with_it(codedeploy: Any, application: str) -> None:
    codedeploy.register_application_revision(applicationName=application, revision=text("kept"))
    codedeploy.update_application(applicationName=application, newApplicationName="renamed")
    assert codedeploy.list_application_revisions(applicationName="renamed")["revisions"]
    codedeploy.delete_application(applicationName="renamed")
    codedeploy.create_application(applicationName="renamed", computePlatform="Lambda")
    assert codedeploy.list_application_revisions(applicationName="renamed")["revisions"] == []
