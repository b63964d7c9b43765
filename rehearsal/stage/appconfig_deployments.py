"""Gaps of MiniStack: a template's AppConfig deployment completes at once and beside another one, an environment can be
deleted under its deployment, and a configuration token lives for ever.

Here a template's deployment is one like any other, and the stack waits until it is complete; another one of the
environment is a conflict; and a token lives for 24 hours.
https://docs.aws.amazon.com/appconfig/latest/userguide/appconfig-deploying.html
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import appconfig
from ministack.services.cloudformation import provisioners, stacks

from rehearsal.stage.clock import StageClock

type Properties = Mapping[str, Any]
type Provisioned = tuple[str, dict[str, Any]]
type Answer = tuple[int, dict[str, str], bytes]

DEPLOYMENT = "AWS::AppConfig::Deployment"
NEEDED = ("ApplicationId", "EnvironmentId", "DeploymentStrategyId", "ConfigurationProfileId", "ConfigurationVersion")
LOOK_EVERY = 5.0
"""Stage seconds between two looks at a deployment that a stack waits for."""
TOKEN_HOURS = 24


class FailedError(Exception):
    """Its text is the reason of the resource's CREATE_FAILED."""


class Deployments:
    """Deployments that templates make."""

    def __init__(self, clock: StageClock) -> None:
        self._clock = clock

    def create(self, logical_id: str, properties: Properties, stack: str) -> Provisioned:
        """Start it and wait until it is complete. Raises FailedError when it is rolled back, or can't start."""
        if lacks := [name for name in NEEDED if not properties.get(name)]:
            raise FailedError(f"Model validation failed (#: required key [{lacks[0]}] not found)")
        application, environment = str(properties["ApplicationId"]), str(properties["EnvironmentId"])
        request = {name: properties[name] for name in (*NEEDED[2:], "Description") if name in properties}
        status, _, body = appconfig._start_deployment(application, environment, request)
        said = json.loads(body)
        if status >= 400:
            raise FailedError(f"{said.get('Message') or said.get('message') or said} (Service: AppConfig, {status})")
        number = str(said["DeploymentNumber"])
        state = self._until_it_ends(f"{application}/{environment}/{number}")
        if state != "COMPLETE":
            raise FailedError(f"Deployment {number} of environment {environment} is {state}")
        return number, {"DeploymentNumber": number, "State": state}

    def update(self, number: str, old: Properties, new: Properties, stack: str, logical_id: str) -> Provisioned:
        """Every property replaces it: another deployment."""
        return self.create(logical_id, new, stack)

    def _until_it_ends(self, key: str) -> str:
        application, environment, _ = key.split("/")
        while True:
            appconfig._refresh_environment(application, environment)
            state = str((appconfig._deployments.get(key) or {"State": "deleted"})["State"])
            if state not in appconfig._IN_PROGRESS_STATES and state != "ROLLING_BACK":
                return state
            self._clock.wait(LOOK_EVERY)


def _kept_while_deploying(delete: Callable[[str, str], Answer]) -> Callable[[str, str], Answer]:
    """? The text is the stage's own: DeleteEnvironment has a ConflictException."""

    @functools.wraps(delete)
    def deleted(application: str, environment: str) -> Answer:
        running = [
            one["DeploymentNumber"]
            for one in appconfig._refresh_environment(application, environment)
            if one["State"] in appconfig._IN_PROGRESS_STATES
        ]
        if running:
            said = f"Environment {environment} cannot be deleted while deployment {running[-1]} is in progress."
            refused: Answer = appconfig._error(409, "ConflictException", said)
            return refused
        return delete(application, environment)

    return deleted


def _dated(start: Callable[[Properties], Answer], clock: StageClock) -> Callable[[Properties], Answer]:
    @functools.wraps(start)
    def started(request: Properties) -> Answer:
        answer = start(request)
        if answer[0] == 201:
            appconfig._sessions[json.loads(answer[2])["InitialConfigurationToken"]]["IssuedAt"] = clock.epoch()
        return answer

    return started


def _expiring(get: Callable[[str], Any], clock: StageClock) -> Callable[[str], Any]:
    """Each answer carries another token, which lives from then on."""

    @functools.wraps(get)
    def got(token: str) -> Any:
        session = appconfig._sessions.get(token)
        now = clock.epoch()
        if session and now - session.get("IssuedAt", now) > TOKEN_HOURS * 3600:
            del appconfig._sessions[token]
            return appconfig._error(400, "BadRequestException", "The configuration token has expired.")
        before = set(appconfig._sessions)
        answer = get(token)
        for fresh in set(appconfig._sessions) - before:
            appconfig._sessions[fresh]["IssuedAt"] = now
        return answer

    return got


def install(clock: StageClock) -> None:
    """Once, after `codedeploy`, whose installation says which types block."""
    deployments = Deployments(clock)
    provisioners._RESOURCE_HANDLERS[DEPLOYMENT] |= {
        "create": deployments.create,
        "update": deployments.update,
        "update_with_logical_id": True,
    }
    blocks = stacks._runs_on_worker_thread
    stacks._runs_on_worker_thread = functools.wraps(blocks)(lambda kind: kind == DEPLOYMENT or blocks(kind))
    appconfig._delete_environment = _kept_while_deploying(appconfig._delete_environment)
    appconfig._start_configuration_session = _dated(appconfig._start_configuration_session, clock)
    appconfig._get_latest_configuration = _expiring(appconfig._get_latest_configuration, clock)
