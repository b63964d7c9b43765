"""Dark tests: the smoke cases of what is live, asked on schedule and on demand, and their failures counted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from seatrial.aws.lambdas import LambdaError
from seatrial.core import events, finding_story, oncall, oncall_story
from seatrial.core.oncall import EventError
from seatrial.core.source import NoSuiteError, SuiteError
from seatrial.flows import metric_line, requests, tell, trial
from seatrial.flows.account import Account

# The alias of a service that is named by its function alone, as SAM's AutoPublishAlias is set in Seatrial's templates.
_ALIAS = "live"


@dataclass(frozen=True)
class DarkTest:
    """How a service's live version did. `refusal` says what does not hold, None when all does."""

    service: str
    version: str
    cases: int
    failures: int
    refusal: str | None

    def report(self) -> dict[str, Any]:
        return {
            "service": self.service,
            "version": self.version,
            "cases": self.cases,
            "failures": self.failures,
            "refusal": self.refusal,
        }


def run(aws: Account, event: Mapping[str, Any], until: Callable[[], float]) -> dict[str, Any]:
    """Test the service that is asked for, or all that are configured: {"failures": 0, "services": [one each]}.

    `until` tells how many seconds are left. Each service has its part of them, its own failure and its own message:
    one that is slow, hangs or breaks the test takes nothing from the others. What it leaves of its time is theirs.
    A request over the bus that can't be read is declined.
    """
    try:
        request = events.dark_test_request(event)
    except EventError as mistake:
        if not oncall.is_from_on_call(event):
            raise
        declined = requests.decline(aws, oncall.subject(event), oncall_story.declined(event, str(mistake)))
        return {"failures": 0, "services": [], "declined": declined["reason"]}
    configured = aws.dark_test_services if request.services is None else request.services
    services = (request.service,) if request.service else configured
    tests: list[DarkTest] = []
    for number, service in enumerate(services):
        test = _in_its_time(aws, service, until, until() / (len(services) - number))
        tests.append(test)
        try:
            _told(aws, test)
        except Exception:  # the next service has its turn all the same
            aws.log.exception("the result of a dark test was not sent", extra={"service": service})
    return {"failures": sum(test.failures for test in tests), "services": [test.report() for test in tests]}


def _in_its_time(aws: Account, service: str, until: Callable[[], float], seconds: float) -> DarkTest:
    """In a thread of its own, which is left behind when the time is over: no invoke can be called off."""
    of_others = until() - seconds
    tests: list[DarkTest] = []
    thread = threading.Thread(
        target=lambda: tests.append(_tested_safely(aws, service, lambda: until() - of_others)), daemon=True
    )
    thread.start()
    thread.join(max(0.0, seconds))
    return tests[0] if tests else DarkTest(service, "", 0, 1, finding_story.dark_test_too_slow(seconds))


def _tested_safely(aws: Account, service: str, until: Callable[[], float]) -> DarkTest:
    try:
        return _tested(aws, service, until)
    except Exception as error:  # it is this service's failure, and is sent as that
        aws.log.exception("a dark test broke", extra={"service": service})
        return DarkTest(service, "", 0, 1, finding_story.dark_test_broke(error))


def _tested(aws: Account, service: str, until: Callable[[], float]) -> DarkTest:
    """Dark, since the alias's main version is invoked by its number: a service counts no user's outcome for it."""
    function, _, alias = service.partition(":")
    try:
        if not aws.lambdas.is_released_by_seatrial(function):
            return DarkTest(service, "", 0, 1, finding_story.not_tagged(function))
        version = aws.lambdas.version_facts(function, alias or _ALIAS).version
        suite = trial.load(aws.lambdas, function, version)
    except (LambdaError, NoSuiteError, SuiteError) as error:
        return DarkTest(service, "", 0, 1, str(error))
    report = trial.run(aws.lambdas, function, version, suite, until=until, smoke_only=True)
    return DarkTest(service, version, len(report.results), len(report.failed), report.refusal)


def _told(aws: Account, test: DarkTest) -> None:
    _count(test)
    if test.refusal is None:
        aws.log.info("the live version holds what its smoke cases promise", extra=test.report())
        return
    sentence = finding_story.dark_tested(test.service, test.refusal)
    aws.log.error(sentence, extra=test.report())
    attributes = {"service": test.service, "event": "dark test failed"}
    tell.send(aws, f"[seatrial] {test.service} fails its dark test", sentence, attributes)


def _count(test: DarkTest) -> None:
    """One line in CloudWatch's embedded metric format, which Lambda's log makes into metrics."""
    metrics = EphemeralMetrics(namespace="Seatrial", service=test.service)
    metrics.add_metric("DarkTestCases", MetricUnit.Count, test.cases)
    metrics.add_metric("DarkTestFailures", MetricUnit.Count, test.failures)
    metric_line.write(metrics)
