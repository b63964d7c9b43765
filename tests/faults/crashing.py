"""What the world of test_exactly_once.py is made of: clients that may crash the process, an AWS that goes on alone."""

from __future__ import annotations

import base64
import io
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from botocore.response import StreamingBody

from seatrial_outcome import is_dark
from tests.small_account import SmallCodeDeploy, SmallLambda


class CrashError(BaseException):
    """The process is gone: no `except Exception` sees it."""


class Fuse:
    """Blows at the n-th call from now: before the call has an effect, or right after."""

    def __init__(self) -> None:
        self.set(0, after=False)

    def set(self, nth: int, *, after: bool) -> None:
        """0 is never."""
        self._left: float = nth or float("inf")
        self._after = after

    def before(self) -> None:
        self._left -= 1
        if self._left == 0 and not self._after:
            raise CrashError

    def after(self) -> None:
        if self._left == 0:
            raise CrashError

    def of(self, client: Any) -> Any:
        """The client, whose calls blow the fuse."""
        return _Fragile(client, self)


class _Fragile:
    def __init__(self, client: Any, fuse: Fuse) -> None:
        self._client, self._fuse = client, fuse

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**asked: Any) -> Any:
            self._fuse.before()
            answer = getattr(self._client, name)(**asked)
            self._fuse.after()
            return answer

        return call


@dataclass(frozen=True)
class Moved:
    """One UpdateAlias of Seatrial's: away from the version that the alias led to in that moment."""

    function: str
    away_from: str
    to: str


class Aliases(SmallLambda):
    """Aliases that remember who moved them, and that somebody else may move in just that moment."""

    def __init__(self) -> None:
        super().__init__()
        self.moved: list[Moved] = []
        self.counted = 0

    def invoke(self, *, FunctionName: str, Qualifier: str, ClientContext: str = "", **_: Any) -> dict[str, Any]:  # noqa: N803
        """The function's outcome layer counts what it does not know for a test of Seatrial's."""
        custom = json.loads(base64.b64decode(ClientContext) or b"{}").get("custom")
        arn = f"arn:aws:lambda:eu-west-1:123456789012:function:{FunctionName}:{Qualifier}"
        context = SimpleNamespace(invoked_function_arn=arn, client_context=SimpleNamespace(custom=custom))
        self.counted += not is_dark(context)
        return {"StatusCode": 200, "Payload": StreamingBody(io.BytesIO(b"{}"), 2)}

    def leads_to(self, function: str, version: str) -> None:
        """Somebody else than Seatrial sets the alias."""
        self.aliases[function] = (version, self.aliases.get(function, ("", 0))[1] + 1)

    def update_alias(self, *, FunctionName: str, FunctionVersion: str, RevisionId: str = "", **more: Any) -> None:  # noqa: N803
        """As Lambda does: without a RevisionId nothing is compared."""
        if self.intruders:
            self.intruders.pop(0)()
        main, revision = self.aliases[FunctionName]
        given = RevisionId or str(revision)
        super().update_alias(FunctionName=FunctionName, FunctionVersion=FunctionVersion, RevisionId=given, **more)
        self.moved.append(Moved(FunctionName, main, FunctionVersion))


class Shifting(SmallCodeDeploy):
    """Deployments that end, and take users back by themselves."""

    def __init__(self, lambdas: Aliases, shared_alarm: str, now: Callable[[], datetime]) -> None:
        super().__init__()
        self._now = now
        self._lambdas = lambdas
        self._shared = shared_alarm
        self.taken_back: Counter[str] = Counter()

    def get_deployment_group(self, **group: str) -> dict[str, Any]:
        self.alarms = [f"{group['deploymentGroupName']}-alarm", self._shared]
        return super().get_deployment_group(**group)

    def stop_deployment(self, *, deploymentId: str, autoRollbackEnabled: bool) -> dict[str, Any]:  # noqa: N803
        answer = super().stop_deployment(deploymentId=deploymentId, autoRollbackEnabled=autoRollbackEnabled)
        self._goes_back(deploymentId, "Stopped", "MANUAL_STOP")
        return answer

    def put_lifecycle_event_hook_execution_status(self, **answer: str) -> None:
        super().put_lifecycle_event_hook_execution_status(**answer)
        if answer["status"] == "Failed":
            self._goes_back(answer["deploymentId"], "Failed", "HOOK_EXECUTION_FAILURE")
        else:
            self.ends(answer["deploymentId"], "Succeeded")

    def polled(self, id: str) -> None:
        """CodeDeploy's own poll has seen one of the group's alarms."""
        self._goes_back(id, "Stopped", "ALARM_ACTIVE")

    def cancelled(self, id: str) -> None:
        """CloudFormation cancels the update of the alias, since another one of the stack failed."""
        self._goes_back(id, "Stopped", "MANUAL_STOP")

    def ends(self, id: str, *how: Any, **more: Any) -> None:
        super().ends(id, *how, **more)
        self.deployments[id]["completeTime"] = self._now()

    def _goes_back(self, id: str, status: str, code: str) -> None:
        self.taken_back[id] += 1
        self.ends(id, status, code, "no reason that helps", rollback=f"{id}-back")
        group = self.deployments[id]["deploymentGroupName"]
        stable = str(self.deployments[id]["stable"])
        self.begin(
            f"{id}-back", function=group, stable=str(int(stable) + 1), candidate=stable, creator="codeDeployRollback"
        )
        self.ends(f"{id}-back", "Succeeded")
        self._lambdas.leads_to(group, stable)
