"""What functions did in a rehearsal, held against what their roles allow, in both directions."""

from __future__ import annotations

from tests.rehearsed import Rehearsed

RARE = {
    # (part of the role's name, action): when it is needed, since no rehearsal needs it
    ("", "codedeploy:GetApplicationRevision"): "where GetDeployment gives the AppSpec's hash alone",
    ("", "sqs:SendMessage"): "Lambda itself sends what failed for good to the dead letters",
    ("DarkTester", "sns:Publish"): "a live version fails its smoke cases",
    ("PostTraffic", "sns:Publish"): "a version fails its smoke cases after the shift",
    # What follows is met by test_rollback_on_stage.py, which `make proof` runs.
    ("DarkTester", "events:PutEvents"): "a live version fails its smoke cases",
    ("PostTraffic", "events:PutEvents"): "a version fails its smoke cases after the shift",
    ("PostTraffic", "codedeploy:PutLifecycleEventHookExecutionStatus"): "a service that does not bake",
    ("Rollback", "codedeploy:PutLifecycleEventHookExecutionStatus"): "an alarm rings during the bake",
    ("Rollback", "codedeploy:GetDeployment"): "a deployment ends just before it is stopped",
    ("Board", "dynamodb:GetItem"): "DynamoDB throttles, and leaves something out of a batch",
    ("Rollback", "lambda:GetAlias"): "an alarm rings in the guard",
    ("Rollback", "lambda:UpdateAlias"): "an alarm rings in the guard",
    ("Rollback", "cloudwatch:GetMetricData"): "an alarm rings that several releases name",
    ("Rollback", "dynamodb:DeleteItem"): "somebody moves the alias on before it is returned",
    ("Rollback", "appconfig:ListApplications"): "on call takes a flag back",
    ("Rollback", "appconfig:ListEnvironments"): "on call takes a flag back",
    ("Rollback", "appconfig:ListConfigurationProfiles"): "on call takes a flag back",
    ("Rollback", "appconfig:ListTagsForResource"): "on call takes a flag back",
    ("Rollback", "appconfig:ListDeployments"): "on call takes a flag back",
    ("Rollback", "appconfig:GetDeployment"): "on call takes a flag back",
    ("Rollback", "appconfig:StopDeployment"): "on call takes a flag back",
    ("Monitor", "codedeploy:StopDeployment"): "the event of an alarm was lost, or a stop was interrupted",
    ("Monitor", "lambda:GetAlias"): "a service is to be healed",
    ("Monitor", "lambda:ListVersionsByFunction"): "$LATEST differs from live while no release is under way",
    ("Monitor", "lambda:UpdateAlias"): "a return was interrupted",
    ("FixLane", "codedeploy:GetDeploymentGroup"): "a fix is granted",
    ("FixLane", "codedeploy:UpdateDeploymentGroup"): "a fix is granted",
    ("FixLane", "lambda:GetFunction"): "a fix is granted",
    ("FixLane", "lambda:ListTags"): "a fix is granted",
    ("FixLane", "dynamodb:GetItem"): "a fix is granted",
    ("FixLane", "dynamodb:PutItem"): "a fix is granted",
    ("FixLane", "dynamodb:UpdateItem"): "a fix is granted",
    ("FixLane", "sns:Publish"): "a fix is granted",
    ("FixLane", "events:PutEvents"): "a fix is granted",
}


def is_rare(role: str, action: str) -> bool:
    return any(part in role and action == named for part, named in RARE)


def test_no_function_calls_what_its_role_forbids(rehearsed: Rehearsed) -> None:
    assert [call for call in rehearsed.calls if not call["allowed"]] == []


def test_no_role_allows_what_its_function_never_does(rehearsed: Rehearsed) -> None:
    made = {(call["role"], call["action"]) for call in rehearsed.calls}
    unused = {
        role: [action for action in allowed if (role, action) not in made and not is_rare(role, action)]
        for role, allowed in rehearsed.roles.items()
    }
    assert {role: actions for role, actions in unused.items() if actions} == {}


def test_every_exception_is_still_allowed_somewhere(rehearsed: Rehearsed) -> None:
    unknown = [
        (part, action)
        for part, action in RARE
        if not any(part in role and action in allowed for role, allowed in rehearsed.roles.items())
    ]
    assert unknown == []
