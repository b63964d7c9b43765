"""Gap of MiniStack: an alias stores its weights but always invokes its main version, also asynchronously.

Here every invoke through an alias draws its version by the alias's weights, as Lambda does, per invoke; asynchronous
invokes are retried and end at the OnFailure destination of the qualifier they were sent to.
"""

from __future__ import annotations

import base64
import copy
import json
import random
import time
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core.concurrency import run_reentrant
from ministack.services import lambda_svc

from rehearsal.stage.clock import StageClock
from rehearsal.stage.cloudwatch import metrics
from rehearsal.stage.lambdas import destinations, environments, payloads, versions

Record = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]

_NO_CONTEXT = "Client context must be a valid Base64-encoded JSON object."

RETRY_AFTER_MINUTES = (1, 2)
"""Lambda retries a failed asynchronous invoke after about one and then about two minutes (stage minutes here)."""


def draw(alias: Mapping[str, Any], chance: Callable[[], float] = random.random) -> str:
    """The version that one invoke through `alias` runs: the additional one by its weight, else the main one."""
    weights: Mapping[str, float] = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    for version, weight in weights.items():
        if chance() < float(weight):
            return str(version)
    return str(alias.get("FunctionVersion", "$LATEST"))


_chances: dict[str, random.Random] = {}


def _chance(alias: str) -> Callable[[], float]:
    """The draws of one alias: chance within a run, and the same in each run."""
    return _chances.setdefault(alias, random.Random(alias)).random


def resolve(function: Record, qualifier: str | None, arn: str) -> tuple[Record, str]:
    """What one invoke runs: a record of its own with the configuration and code of the drawn version, and that version.

    Raises LookupError when the function has no such qualifier.
    """
    version = qualifier or "$LATEST"
    if version in function.get("aliases", {}):
        version = draw(function["aliases"][version], _chance(f"{arn}:{version}"))
    source = function if version == "$LATEST" else function["versions"].get(version)
    if source is None:
        raise LookupError(f"Function not found: {arn}:{qualifier}")
    record = dict(source)
    record["config"] = dict(source["config"])
    # The ARN in the context object names what the caller named; that is how a function knows that no user called it.
    record["config"]["FunctionArn"] = f"{arn}:{qualifier}" if qualifier else arn
    record["concurrency"] = function.get("concurrency")
    return record, version


def _find(reference: str) -> tuple[Record, str, str | None]:
    """The function record, name and qualifier that a name, `name:qualifier` or any ARN of a function refers to."""
    function, _, name = lambda_svc._get_base_func_record_for_ref(reference)
    if function is None:
        raise LookupError(f"Function not found: {reference}")
    _, qualifier = lambda_svc._resolve_name_and_qualifier(reference)
    return function, name, qualifier


def _event_invoke_config(function: Record, qualifier: str | None) -> Record:
    """An invoke without a qualifier runs `$LATEST`, under the configuration of either name."""
    names = (qualifier,) if qualifier not in (None, "", "$LATEST") else (None, "$LATEST")
    found = (lambda_svc._event_invoke_config(function, name) for name in names)
    return dict(next(filter(None, found), {}))


class Invokes:
    """Invokes on the stage, in the place of MiniStack's."""

    def __init__(self, clock: StageClock) -> None:
        self._clock = clock

    async def invoke(
        self,
        name: str,
        event: Any,
        headers: dict[str, str],
        path_qualifier: str | None = None,
        query_params: dict[str, Any] | None = None,
    ) -> Answer:
        """The Invoke operation: RequestResponse, Event and DryRun, with ExecutedVersion and the log tail."""
        function = lambda_svc._functions.get(name)
        arn = lambda_svc._func_arn(name)
        if function is None:
            return _refused("ResourceNotFoundException", f"Function not found: {arn}", 404)
        qualifier = path_qualifier or lambda_svc._qp_first(query_params or {}, "Qualifier") or None
        try:
            record, version = resolve(function, qualifier, arn)
        except LookupError as missing:
            return _refused("ResourceNotFoundException", str(missing), 404)
        if (inactive := versions.not_active(record["config"], f"{arn}:{version}")) is not None:
            return inactive
        depth = lambda_svc._inbound_invoke_depth(headers) + 1
        if (dropped := lambda_svc._recursive_loop_drop(name, function, depth)) is not None:
            return dropped  # type: ignore[no-any-return]
        lambda_svc._invoke_depth.set(depth)

        kind = headers.get("x-amz-invocation-type", "RequestResponse")
        if (said := payloads.refused_request(headers, event, later=kind == "Event")) is not None:
            return _refused("RequestTooLargeException", said, 413)
        executed = {"Content-Type": "application/json", "X-Amz-Executed-Version": version}
        if kind == "DryRun":
            return 204, executed, b""
        if kind == "Event":
            self._later(function, qualifier, arn, event)
            return 202, executed, b""
        try:
            environments.client_context.set(base64.b64decode(headers.get("x-amz-client-context", "")).decode())
        except ValueError:
            return _refused("InvalidRequestContentException", _NO_CONTEXT, 400)
        result = await run_reentrant(
            lambda_svc._execute_function_with_config_scope, record, event, thread_name="stage-invoke"
        )
        return _answer(result, executed, tail=headers.get("x-amz-log-type", "").lower() == "tail")

    def invoke_async(self, reference: str, event: Any) -> None:
        """An asynchronous invoke, as CodeDeploy, EventBridge and alarms make it. Raises LookupError for no function."""
        function, name, qualifier = _find(reference)
        arn = lambda_svc._func_arn(name)
        resolve(function, qualifier, arn)
        self._later(function, qualifier, arn, event)

    def deliver(self, target: str, payload: str) -> None:
        """What an event bus or a schedule sends to a function."""
        try:
            event = json.loads(payload)
        except (json.JSONDecodeError, TypeError):
            event = {"body": payload}
        try:
            self.invoke_async(target, event)
        except LookupError as missing:
            lambda_svc.logger.warning("EventBridge target: %s", missing)

    def _later(self, function: Record, qualifier: str | None, arn: str, event: Any) -> None:
        """It is work from now on, until the last attempt has ended and its destination has been told."""
        name = f"{arn.rpartition(':function:')[2]}{f':{qualifier}' if qualifier else ''}"
        self._clock.start(name, self._until_it_works, function, qualifier, arn, copy.deepcopy(event))

    @staticmethod
    def _try(function: Record, qualifier: str | None, arn: str, event: Any) -> Record:
        """What one attempt came to; nothing when the function was deleted meanwhile: Lambda drops the event too."""
        try:
            record, version = resolve(function, qualifier, arn)
        except LookupError:
            return {}
        return {**lambda_svc._execute_function_with_config_scope(record, event), "executed_version": version}

    def _until_it_works(self, function: Record, qualifier: str | None, arn: str, event: Any) -> None:
        config = _event_invoke_config(function, qualifier)
        retries = config.get("MaximumRetryAttempts")
        result: Record = {}
        for attempt in range((2 if retries is None else int(retries)) + 1):
            if attempt:
                self._clock.wait(60 * RETRY_AFTER_MINUTES[attempt - 1])
            result = self._try(function, qualifier, arn, event)
            if not result.get("error"):
                break
        if result:
            at = self._clock.now().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
            invoked = f"{arn}:{qualifier or '$LATEST'}"
            ended = destinations.Ended(invoked, result["executed_version"], event, result, attempt + 1, at)
            dead_letters = (function["config"].get("DeadLetterConfig") or {}).get("TargetArn")
            destinations.send(config, dead_letters, ended, self.invoke_async)


def _refused(code: str, message: str, status: int) -> Answer:
    return lambda_svc.error_response_json(code, message, status)  # type: ignore[no-any-return]


def _answer(result: Record, headers: dict[str, str], *, tail: bool) -> Answer:
    if result.get("throttle"):
        body = result.get("body") or {}
        return 429, {"Content-Type": "application/json", "Retry-After": "1"}, json.dumps(body).encode()
    if tail:
        headers["X-Amz-Log-Result"] = base64.b64encode(str(result.get("log", "")).encode()[-4096:]).decode()
    if result.get("error"):
        headers["X-Amz-Function-Error"] = str(result.get("function_error") or "Unhandled")
    payload = result.get("body")
    if isinstance(payload, bytes):
        return 200, headers, payload
    return 200, headers, json.dumps(payload, ensure_ascii=False).encode()


_invokes: Invokes | None = None


def invoke_async(reference: str, event: Any) -> None:
    """An asynchronous invoke in the current account and Region. Raises LookupError when there is no such function."""
    if _invokes is None:
        raise RuntimeError("rehearsal.stage.lambdas.alias.install has not been called: there is no stage to invoke on")
    _invokes.invoke_async(reference, event)


def _drawn_record_for_reference(reference: str) -> tuple[Record | None, Record | None, str]:
    try:
        function, name, qualifier = _find(reference)
        record, _ = resolve(function, qualifier, lambda_svc._func_arn(name))
    except LookupError:
        return None, None, lambda_svc._resolve_name(reference)
    return record, record["config"], name


def install(clock: StageClock) -> Invokes:
    """Put this in the place of MiniStack's invokes: the API, EventBridge targets, records by ARN."""
    global _invokes
    from ministack.services import eventbridge

    _invokes = Invokes(clock)
    lambda_svc._invoke = _invokes.invoke
    lambda_svc._get_func_record_for_ref = _drawn_record_for_reference
    lambda_svc._emit_lambda_metrics = _only_throttles
    eventbridge._dispatch_to_lambda = _invokes.deliver
    return _invokes


def _only_throttles(function: str, duration_ms: float, error: bool, throttle: bool) -> None:
    """`runtime` records each execution, with its version. A throttle executes nothing and is told here."""
    if throttle:
        metrics.record_invoke(function, None, "$LATEST", started=time.time(), duration_ms=0, error=False, throttle=True)
