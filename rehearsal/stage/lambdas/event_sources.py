"""Gap of MiniStack: event source mappings invoke the main version of an alias, and its context names that version.

Here each batch of a queue or a stream draws its version by the alias's weights, as every other invoke does, also where
an update has moved the mapping to the alias. Sources that nothing reads are refused when they are mapped. What rules,
topics and buckets send needs the function's resource policy, as on AWS.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from ministack.services import eventbridge, lambda_svc, s3, sns
from ministack.services.cloudformation import provisioners

from rehearsal.stage.lambdas import alias, destinations, doors
from rehearsal.stage.notes import note

POLLERS = ("_poll_sqs", "_poll_kinesis", "_poll_dynamodb_streams")

INVOKE = "lambda:InvokeFunction"

READ = ("sqs", "kinesis", "dynamodb")

_polling: ContextVar[bool] = ContextVar("stage_polling", default=False)
"""MiniStack finds functions for its pollers as it does for GetFunction, which must not draw."""


def _as_poller(poll: Callable[[], bool]) -> Callable[[], bool]:
    @functools.wraps(poll)
    def polled() -> bool:
        token = _polling.set(True)
        try:
            return poll()
        finally:
            _polling.reset(token)

    return polled


def _drawn_while_polling(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def found(name: str, qualifier: str | None) -> tuple[Any, Any]:
        function = lambda_svc._functions.get(name)
        if not _polling.get() or function is None:
            return original(name, qualifier)  # type: ignore[no-any-return]
        try:
            record, _ = alias.resolve(function, qualifier, lambda_svc._func_arn(name))
        except LookupError:
            return None, None
        return record, record["config"]

    return found


def refusal(mapping: Mapping[str, Any]) -> str | None:
    """Why nothing would ever come of a mapping with these properties, or None."""
    source = str(mapping.get("EventSourceArn") or "self-managed:::").split(":")
    service = source[2] or source[0]
    if service in READ:
        return None
    return f"The stage's event source mappings read {', '.join(READ)}, not {service}: invoke the alias in its place"


def _refusing(create: Callable[..., Any]) -> Callable[..., Any]:
    def created(mapping: Mapping[str, Any]) -> Any:
        if (refused := refusal(mapping)) is not None:
            return lambda_svc.error_response_json("InvalidParameterValueException", refused, 400)
        return create(mapping)

    return created


def _refusing_resource(create: Callable[..., Any]) -> Callable[..., Any]:
    def created(logical_id: str, properties: Mapping[str, Any], stack: str) -> Any:
        if (refused := refusal(properties)) is not None:
            raise ValueError(refused)
        return create(logical_id, properties, stack)

    return created


def _moving_resource(update: Callable[..., Any]) -> Callable[..., Any]:
    """An update that names an alias, or none any more, moves the mapping there; MiniStack keeps what it had."""

    def updated(mapping: str, old: Mapping[str, Any], new: Mapping[str, Any], stack: str) -> Any:
        provisioned = update(mapping, old, new, stack)
        record = lambda_svc._esms.get(provisioned[0])
        if record is not None and new.get("FunctionName"):
            name, qualifier = lambda_svc._resolve_name_and_qualifier(str(new["FunctionName"]))
            record["Qualifier"] = qualifier
            record["FunctionArn"] = lambda_svc._func_arn(name) + (f":{qualifier}" if qualifier else "")
        return provisioned

    return updated


def _noting_resource(create: Callable[..., Any]) -> Callable[..., Any]:
    def created(logical_id: str, properties: Mapping[str, Any], stack: str) -> Any:
        _, qualifier = lambda_svc._resolve_name_and_qualifier(str(properties.get("DestinationArn", "")))
        if qualifier:
            note(f"log subscription {logical_id} runs a function's newest code, and not what its alias routes to")
        return create(logical_id, properties, stack)

    return created


def _of_topic(
    endpoint: str, envelope: str, topic: str, subscription: str, message: str, text: str, attributes: Any
) -> None:
    """What a topic sends to a function: an asynchronous invoke, with its retries and destinations."""
    if not doors.may_invoke(endpoint, doors.Caller(INVOKE, "sns.amazonaws.com", (topic,))):
        return _not_allowed(topic, endpoint)
    record = {"EventVersion": "1.0", "EventSubscriptionArn": subscription, "EventSource": "aws:sns"}
    try:
        alias.invoke_async(endpoint, {"Records": [{**record, "Sns": json.loads(envelope)}]})
    except LookupError as missing:
        lambda_svc.logger.warning("SNS: %s", missing)


def _of_bucket(function: Mapping[str, Any], event: Any) -> None:
    """What a bucket sends to a function: an asynchronous invoke, too."""
    alias.invoke_async(str(function["config"]["FunctionArn"]), event)


def _not_allowed(source: str, function: str) -> None:
    note(f"{source} may not invoke {function}: its resource policy does not allow it, so the event is lost, as on AWS")


def _dead_letter(target: Mapping[str, Any], event: Any, rule: str) -> None:
    queue = (target.get("DeadLetterConfig") or {}).get("Arn")
    if not queue:
        return
    attributes = {"ERROR_CODE": "NO_PERMISSIONS", "RULE_ARN": rule, "TARGET_ARN": str(target["Arn"])}
    try:
        destinations.to_queue(
            str(queue), json.dumps(eventbridge._pattern_event_view(event).event_with_detail()), attributes
        )
    except LookupError as missing:
        lambda_svc.logger.warning("EventBridge dead letter: %s", missing)


def _by_rule(invoke: Callable[..., None]) -> Callable[..., None]:
    """EventBridge loses an event that it may not deliver, or sends it to the target's dead-letter queue.

    A target with a role needs no resource policy.
    """

    @functools.wraps(invoke)
    def invoked(target: Mapping[str, Any], event: Any, rule: Mapping[str, Any], *rest: Any, **named: Any) -> None:
        arn, source = str(target.get("Arn", "")), str(rule.get("Arn", ""))
        caller = doors.Caller(INVOKE, "events.amazonaws.com", (source,))
        if ":lambda:" in arn and not target.get("RoleArn") and not doors.may_invoke(arn, caller):
            _dead_letter(target, event, source)
            return _not_allowed(source, arn)
        return invoke(target, event, rule, *rest, **named)

    return invoked


def _by_bucket(validate: Callable[..., Any]) -> Callable[..., Any]:
    """S3 takes no notification of a bucket that may not invoke the function."""

    @functools.wraps(validate)
    def validated(configs: list[dict[str, Any]], region: str, bucket: str = "", skip_probe: bool = False) -> Any:
        caller = doors.Caller(INVOKE, "s3.amazonaws.com", (f"arn:aws:s3:::{bucket}",))
        functions = [str(one["arn"]) for one in configs if one["type"] == "lambda" and not skip_probe]
        error = validate(configs, region, bucket, skip_probe)
        if error is None and not all(doors.may_invoke(one, caller) for one in functions):
            return s3._invalid_notification_config("Unable to validate the following destination configurations")
        return error

    return validated


def install() -> None:
    """Once, before the first event source mapping is made."""
    sns._deliver_to_lambda, lambda_svc.invoke_async_with_retry = _of_topic, _of_bucket
    eventbridge._invoke_target = _by_rule(eventbridge._invoke_target)
    s3._validate_notification_configs = _by_bucket(s3._validate_notification_configs)
    subscription = provisioners._RESOURCE_HANDLERS["AWS::Logs::SubscriptionFilter"]
    subscription["create"] = _noting_resource(subscription["create"])
    handler = provisioners._RESOURCE_HANDLERS["AWS::Lambda::EventSourceMapping"]
    handler["create"] = _refusing_resource(handler["create"])
    handler["update"] = _moving_resource(handler["update"])
    lambda_svc._create_esm = _refusing(lambda_svc._create_esm)
    lambda_svc._get_func_record_for_qualifier = _drawn_while_polling(lambda_svc._get_func_record_for_qualifier)
    for name in POLLERS:
        setattr(lambda_svc, name, _as_poller(getattr(lambda_svc, name)))
