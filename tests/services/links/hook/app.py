"""Reads what is released from the revision, as hooks do that know nothing of the service, and tries the candidate."""

import json

import boto3

codedeploy = boto3.client("codedeploy")
functions = boto3.client("lambda")


def handler(event, context):
    info = codedeploy.get_deployment(deploymentId=event["DeploymentId"])["deploymentInfo"]
    revision = codedeploy.get_application_revision(applicationName=info["applicationName"], revision=info["revision"])
    (resource,) = json.loads(revision["revision"]["string"]["content"])["Resources"]
    ((_, released),) = resource.items()
    properties = released["Properties"]
    answer = functions.invoke(FunctionName=properties["Name"], Qualifier=properties["TargetVersion"])
    works = "FunctionError" not in answer and json.load(answer["Payload"]).get("works") is not False
    codedeploy.put_lifecycle_event_hook_execution_status(
        deploymentId=event["DeploymentId"],
        lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
        status="Succeeded" if works else "Failed",
    )
