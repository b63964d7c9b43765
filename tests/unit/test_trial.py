"""What a trial does with the answers of a version, and what it says at the end."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError

from seatrial.aws.lambdas import Lambdas
from seatrial.aws.packages import Part
from seatrial.core import suite
from seatrial.core.expect import Response
from seatrial.core.source import NoSuiteError, SuiteError
from seatrial.core.values import Json
from seatrial.flows import suite_file, trial
from seatrial.flows.trial import TrialReport

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


REPORT = "REPORT RequestId: 1\tDuration: 5.00 ms\tBilled Duration: 6 ms\t\n"


class Versions:
    """A Lambda client whose versions are plain functions from event to response; knows who was asked what."""

    def __init__(self, **versions: Callable[[Json], Response]) -> None:
        self._versions = {name.removeprefix("v"): answer for name, answer in versions.items()}
        self.asked: list[tuple[str, Json]] = []

    def invoke(self, **request: Any) -> dict[str, Any]:
        qualifier, event = request["Qualifier"], json.loads(request["Payload"])
        self.asked.append((qualifier, event))
        if qualifier not in self._versions:
            raise ClientError(
                {"Error": {"Code": "ResourceNotFoundException", "Message": "Function not found"}}, "Invoke"
            )
        response = self._versions[qualifier](event)
        answer = response.payload if response.error is None else response.error
        return {
            "Payload": io.BytesIO(json.dumps(answer).encode()),
            "ExecutedVersion": qualifier,
            "LogResult": base64.b64encode((response.log or "").encode()).decode(),
            **({} if response.error is None else {"FunctionError": "Unhandled"}),
        }


def packaged(files: Mapping[str, bytes]) -> Lambdas:
    """Lambda with a function whose package holds these files below `seatrial/`."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as writing:
        for name, content in files.items():
            writing.writestr(f"seatrial/{name}", content)
    client = SimpleNamespace(get_function=lambda **request: {"Code": {"Location": "https://package"}})
    return Lambdas(
        cast("LambdaClient", client),
        fetch=lambda url, first, last: Part(package.getvalue(), 0, len(package.getvalue())),
    )


def echo(event: Json) -> Response:
    return Response(payload=event, log=REPORT)


def failing(event: Json) -> Response:
    return Response(error={"errorType": "Runtime.ImportModuleError", "errorMessage": "no module named db"})


def an_hour() -> float:
    return 3600.0


def run(cases: str, versions: Versions, until: Callable[[], float] = an_hour, **more: Any) -> TrialReport:
    parsed = suite.parse(suite_file.read(f"cases:\n{cases}".encode(), "suite.yaml"), {})
    return trial.run(Lambdas(cast("LambdaClient", versions)), "payments", "8", parsed, until=until, **more)


def test_a_version_that_does_what_its_suite_says_is_not_refused() -> None:
    versions = Versions(v8=echo)

    report = run("- {name: echoes, event: {a: 1}, expect: {response.a: 1, duration: {below: 10ms}}}", versions)

    assert report.refusal is None
    assert report.summary == "1 of 1 case passed"
    assert report.results[0].duration == 5.0
    assert versions.asked == [("8", {"a": 1})]


def test_a_refusal_names_each_case_that_failed_and_why() -> None:
    report = run(
        """
- {name: refund, event: {statusCode: 500}, expect: {response.statusCode: 202}}
- {name: health, event: {statusCode: 200}, expect: {response.statusCode: 200}}
- {name: quote, event: {}, expect: {response.fee: 1, response.rate: 2}}
""",
        Versions(v8=echo),
    )

    assert report.refusal == (
        "2 of 3 cases failed: 'refund': response.statusCode is 500, expected 202;"
        " 'quote': response.fee is absent, expected 1, response.rate is absent, expected 2"
    )


def test_a_long_refusal_names_three_cases_and_counts_the_rest() -> None:
    report = run("".join(f"- {{name: case {n}}}\n" for n in range(5)), Versions(v8=failing))

    assert report.refusal is not None
    assert report.refusal.count("Runtime.ImportModuleError") == 3
    assert report.refusal.endswith("; and 2 more")


def test_what_one_case_captures_is_sent_by_the_next() -> None:
    versions = Versions(v8=lambda event: Response(payload={"id": "r-1"}))

    report = run("- {name: opens, capture: {id: response.id}}\n- {name: reads, event: {path: /$id}}", versions)

    assert report.refusal is None
    assert versions.asked[1] == ("8", {"path": "/r-1"})


def test_a_case_whose_capture_failed_is_skipped_with_the_reason_and_not_failed_twice() -> None:
    versions = Versions(v8=lambda event: Response(payload={}))

    report = run("- {name: opens, capture: {id: response.id}}\n- {name: reads, event: {path: /$id}}", versions)

    assert report.refusal == "1 of 2 cases failed: 'opens': 'id' can't be captured: response.id is absent"
    assert report.results[1].outcome == "skipped"
    assert report.results[1].sentences == ("needs 'id', which no case before it could capture",)
    assert len(versions.asked) == 1


def test_stable_is_asked_what_the_candidate_left() -> None:
    versions = Versions(v8=lambda event: Response(payload={"id": 3}), v7=echo)
    cases = """
- {name: opens, capture: {id: response.id}}
- {name: can be taken back, on: stable, event: {id: $id}, expect: {response.id: 3}}
"""

    assert run(cases, versions, stable="7").refusal is None
    assert versions.asked[-1] == ("7", {"id": 3})


def test_without_a_stable_version_its_cases_are_skipped() -> None:
    report = run("- {name: a}\n- {name: b, on: stable}", Versions(v8=echo))

    assert report.refusal is None
    assert report.summary == "1 of 2 cases passed, 1 skipped"


def test_smoke_cases_alone_are_asked_through_the_alias() -> None:
    versions = Versions(live=echo)

    report = run("- {name: a}\n- {name: b, smoke: true}", versions, smoke_only=True, qualifier="live")

    assert [result.name for result in report.results] == ["b"]
    assert versions.asked == [("live", {})]


def test_without_smoke_cases_nothing_is_refused_and_it_is_said() -> None:
    report = run("- {name: a}", Versions(), smoke_only=True, qualifier="live")

    assert report.refusal is None
    assert report.summary == "no case was to be run"


def test_when_the_time_is_over_nothing_more_is_invoked_and_the_rest_has_failed() -> None:
    left = iter([10.0, 0.0, -5.0])
    versions = Versions(v8=echo)

    report = run("- {name: a}\n- {name: b}\n- {name: c}", versions, until=lambda: next(left))

    assert [result.outcome for result in report.results] == ["passed", "failed", "failed"]
    assert report.results[1].sentences == ("not run: the time for the trial was over",)
    assert len(versions.asked) == 1


def test_a_version_that_can_not_be_asked_fails_the_case_with_lambdas_sentence() -> None:
    assert run("- {name: a}", Versions()).refusal == (
        "1 of 1 case failed: 'a': Seatrial could not invoke payments:8 (ResourceNotFoundException: Function not found):"
        " there is no such function or version in this account and Region; deploy it, or correct the name"
    )


def test_a_capture_that_no_matcher_can_use_fails_the_case_that_uses_it() -> None:
    versions = Versions(v8=lambda event: Response(payload={"id": "many"}))

    report = run("- {name: a, capture: {n: response.id}}\n- {name: b, expect: {response.id: {above: $n}}}", versions)

    assert report.refusal == "1 of 2 cases failed: 'b': 'response.id': 'above' is \"many\", which is not a number"
    assert len(versions.asked) == 1


def test_a_json_body_is_read_before_it_is_looked_into() -> None:
    versions = Versions(v8=lambda event: Response(payload={"body": '{"id": 4}'}))

    report = run("- {name: a, body: json, expect: {response.body.id: 4}, capture: {id: response.body.id}}", versions)

    assert report.refusal is None


def test_a_figure_that_was_not_measured_is_noted() -> None:
    versions = Versions(v8=lambda event: Response(payload={}))

    report = run("- {name: a, expect: {duration: {below: 1s}}}", versions)

    assert report.refusal is None
    assert report.results[0].notes == ("duration was not measured",)


def test_a_suite_is_loaded_from_the_package_of_the_version() -> None:
    folder = Path("tests/fixtures/suites/payments")
    files = {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}

    assert trial.load(packaged(files), "payments", "8") == trial.load_folder(folder)


def test_a_package_without_a_suite_is_told_where_to_put_one() -> None:
    with pytest.raises(NoSuiteError, match=r"payments:8 brings no seatrial/suite\.yaml: put a folder seatrial/"):
        trial.load(packaged({}), "payments", "8")


def test_a_mistake_in_a_packaged_suite_names_the_file_as_the_service_knows_it() -> None:
    with pytest.raises(SuiteError, match=r"^seatrial/suite\.yaml:1: 'case' is not a key here; did you mean 'cases'\?"):
        trial.load(packaged({"suite.yaml": b"case: []"}), "payments", "8")
