"""Services between releases: a change that no version has, and a first version that no hook has tested.

After each deployment of a stack for its functions, and every quarter of an hour for all: events get lost.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from botocore.exceptions import BotoCoreError, ClientError

from seatrial.aws.lambdas import Alias, LambdaError
from seatrial.core import besides, unreleased
from seatrial.core.events import ServicesCheck
from seatrial.core.service_names import Known
from seatrial.core.tag import Tag
from seatrial.flows import tell
from seatrial.flows.account import Account
from seatrial.flows.turns import A_TURN

# An alias of this name takes no production traffic.
_DARK = "dark"

# The tag's value of Seatrial's own functions. Its hooks have no suite.
_OWN = "self"

# CloudFormation publishes a version soon after it has changed a function.
_UNDER_WAY = timedelta(minutes=10)

# Seconds between two looks at all, as in template.yaml, and how many functions further the next begins.
_EVERY, _FURTHER = 900, 100
_NOT_ALL = "services between releases: not all were looked at: the function's time is over"


def look(aws: Account, trigger: ServicesCheck, seconds_left: Callable[[], float] = lambda: math.inf) -> list[str]:
    """The services that something was told of. One that can't be read is left to the next look.

    A look at all ends when the function has less than ten seconds left, and the next begins further on.
    """
    told: list[str] = []
    for function in _concerned(aws, trigger):
        if seconds_left() < A_TURN:
            aws.log.warning(_NOT_ALL, extra={"release": ""})
            break
        try:
            if aws.lambdas.tag(function.function) is Tag.RELEASED:
                told += list(_told(aws, function, settled=bool(trigger.stack)))
        except (LambdaError, ClientError, BotoCoreError) as error:
            sentence = f"{function.function} can't be looked at: {error}"
            aws.log.warning(sentence, extra={"service": function.function, "release": ""})
    return told


def _concerned(aws: Account, trigger: ServicesCheck) -> Sequence[Known]:
    found = sorted((one for one in aws.tagged.all() if trigger.stack in ("", one.stack)), key=lambda one: one.function)
    begin = int(aws.clock.epoch() // _EVERY) * _FURTHER % len(found) if found else 0
    return [*found[begin:], *found[:begin]]


def _told(aws: Account, function: Known, *, settled: bool) -> Iterator[str]:
    """`settled`: the function's stack is deployed, so that no version is about to be published."""
    for name, alias in aws.lambdas.aliases(function.function).items():
        service = f"{function.function}:{name}"
        if name == _DARK or not alias.main.isdigit() or alias.weights:
            continue
        last = next(iter(aws.ledger.releases_of(service, 1)), None)
        if last is None and _OWN not in function.tags and _tested_first(aws, service, alias):
            yield service
        busy = last is not None and (last.is_open or last.is_to_be_healed)
        if not busy and _is_unreleased(aws, function.function, service, alias, settled=settled):
            yield service


def _tested_first(aws: Account, service: str, alias: Alias) -> bool:
    """A service that never had a release: no hook has tested what its alias leads to."""
    if not aws.ledger.notices.first(service, "first test", alias.main, aws.clock.now()):
        return False
    aws.log.info(unreleased.first_test(service, alias.main), extra={"service": service, "release": ""})
    (error,) = aws.bus.publish_together([("Dark Test Requested", {"service": service})])
    if error:
        aws.log.error(f"{service}: the dark test was not requested: {error}", extra={"service": service, "release": ""})
    return True


def _is_unreleased(aws: Account, function: str, service: str, alias: Alias, *, settled: bool) -> bool:
    latest, live = (aws.lambdas.version_facts(function, version) for version in ("$LATEST", alias.main))
    if not (latest.is_known and live.is_known) or latest.alike(live):
        return False
    if not settled and aws.clock.now() - aws.lambdas.changed_at(function) < _UNDER_WAY:
        return False
    newest = aws.lambdas.newest(function)
    # What is published and not live was rejected or rolled back, or the alias is moved on purpose, later.
    if newest != alias.main and latest.alike(aws.lambdas.version_facts(function, newest)):
        return False
    if not aws.ledger.notices.first(service, "unreleased", latest.digest, aws.clock.now()):
        return False
    before, after = (aws.lambdas.configuration(function, version) for version in (alias.main, "$LATEST"))
    differences = (*(["code changed"] if before.code != after.code else []), *besides.differences(before, after))
    sentence = unreleased.sentence(service, alias.main, differences)
    aws.log.warning(sentence, extra={"service": service, "release": ""})
    tell.send(aws, f"[seatrial] {service} has a change that is not released", sentence, {"service": function})
    return True
