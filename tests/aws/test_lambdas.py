"""The Lambda adapter, against moto where moto knows the call and against recorded answers where it does not."""

from __future__ import annotations

import base64
import io
import json
import random
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber
from moto import mock_aws

from seatrial.aws.lambdas import CLIENT_CONFIG, LambdaError, Lambdas, NoPackageError, VersionFacts
from seatrial.aws.packages import Part, download
from seatrial.core import figures
from seatrial.core.figures import Figures

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

TEXT_REPORT = (
    "START RequestId: 7e Version: 8\nquoted\nEND RequestId: 7e\n"
    "REPORT RequestId: 7e\tDuration: 12.34 ms\tBilled Duration: 180 ms\tMemory Size: 128 MB\t"
    "Max Memory Used: 36 MB\tInit Duration: 166.50 ms\t\n"
)
JSON_REPORT = json.dumps(
    {"type": "platform.report", "record": {"requestId": "7e", "metrics": {"durationMs": 3.5, "initDurationMs": 90.0}}}
)


def client() -> LambdaClient:
    return boto3.client(
        "lambda",
        region_name="eu-west-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=CLIENT_CONFIG,
    )


@dataclass
class Recorded:
    """A real client that gives the answers that were put in, in their order, and the pauses the adapter made."""

    lambdas: Lambdas
    stub: Stubber
    pauses: list[float]

    def answers(self, payload: bytes, log: str | None = None, **more: Any) -> None:
        tail = {} if log is None else {"LogResult": base64.b64encode(log.encode()).decode()}
        body = StreamingBody(io.BytesIO(payload), len(payload))
        self.stub.add_response("invoke", {"StatusCode": 200, "Payload": body, **tail, **more}, self._expected())

    def refuses(self, code: str, message: str = "no") -> None:
        self.stub.add_client_error("invoke", code, message, expected_params=self._expected())

    def _expected(self) -> dict[str, Any]:
        mark = base64.b64encode(b'{"custom": {"seatrial": "trial"}}').decode()
        return {
            "FunctionName": "payments",
            "Qualifier": "8",
            "InvocationType": "RequestResponse",
            "ClientContext": mark,
            "LogType": "Tail",
            "Payload": ANY,
        }


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    pauses: list[float] = []
    made = client()
    with Stubber(made) as stub:
        yield Recorded(Lambdas(made, pause=pauses.append), stub, pauses)
        stub.assert_no_pending_responses()


def test_an_answer_has_payload_version_and_lambdas_own_figures(recorded: Recorded) -> None:
    recorded.answers(b'{"statusCode": 200}', TEXT_REPORT, ExecutedVersion="8")

    response = recorded.lambdas.invoke("payments", "8", {"a": 1})

    assert response.payload == {"statusCode": 200}
    assert (response.error, response.version) == (None, "8")
    assert (response.duration, response.init) == (12.34, 166.5)
    assert response.log == TEXT_REPORT


def test_a_version_that_can_not_even_be_imported_answers_with_an_error(recorded: Recorded) -> None:
    error = {"errorType": "Runtime.ImportModuleError", "errorMessage": "No module named 'db'"}
    recorded.answers(json.dumps(error).encode(), FunctionError="Unhandled", ExecutedVersion="8")

    response = recorded.lambdas.invoke("payments", "8", {})

    assert (response.payload, response.error) == (None, error)


def test_an_error_without_words_is_still_an_error(recorded: Recorded) -> None:
    recorded.answers(b"null", FunctionError="Unhandled")

    assert recorded.lambdas.invoke("payments", "8", {}).error is not None


@pytest.mark.parametrize(("content", "payload"), [(b"", None), (b"null", None), (b"pong", "pong")])
def test_an_answer_that_is_not_json_is_taken_as_text(recorded: Recorded, content: bytes, payload: str | None) -> None:
    recorded.answers(content)

    assert recorded.lambdas.invoke("payments", "8", {}).payload == payload


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        pytest.param(TEXT_REPORT, (12.34, 166.5), id="text"),
        pytest.param(JSON_REPORT, (3.5, 90.0), id="JSON"),
        pytest.param(TEXT_REPORT.replace("\tInit Duration: 166.50 ms", ""), (12.34, None), id="a warm start"),
        pytest.param(TEXT_REPORT + JSON_REPORT, (3.5, 90.0), id="the last report counts"),
        pytest.param("my own Duration: 5 ms\n", (None, None), id="no report"),
        pytest.param('{"type": "platform.report"}', (None, None), id="a report without figures"),
    ],
)
def test_duration_and_init_come_from_the_report_in_the_log_tail(
    log: str, expected: tuple[float | None, float | None]
) -> None:
    assert figures.read(log) == Figures(*expected)


def test_a_throttled_invoke_is_repeated_at_growing_distance_while_time_is_left(recorded: Recorded) -> None:
    recorded.refuses("TooManyRequestsException")
    recorded.refuses("TooManyRequestsException")
    recorded.answers(b"1")

    assert recorded.lambdas.invoke("payments", "8", {}, until=lambda: 60.0).payload == 1
    assert recorded.pauses == [0.2, 0.4]


def test_a_throttled_invoke_is_given_up_when_the_next_pause_would_pass_the_deadline(recorded: Recorded) -> None:
    recorded.refuses("TooManyRequestsException", "Rate exceeded")
    recorded.refuses("TooManyRequestsException", "Rate exceeded")

    with pytest.raises(LambdaError, match="look at the function's reserved concurrency"):
        recorded.lambdas.invoke("payments", "8", {}, until=lambda: 0.3)
    assert recorded.pauses == [0.2]


def test_what_may_have_run_already_is_never_repeated(recorded: Recorded) -> None:
    recorded.refuses("ServiceException", "internal")

    with pytest.raises(LambdaError, match="ServiceException"):
        recorded.lambdas.invoke("payments", "8", {}, until=lambda: 60.0)


@pytest.mark.parametrize(
    ("code", "cure"),
    [("ResourceNotFoundException", "deploy it, or correct the name"), ("AccessDeniedException", "add the tag")],
)
def test_a_refusal_of_aws_becomes_a_sentence_with_its_cure(recorded: Recorded, code: str, cure: str) -> None:
    recorded.refuses(code)

    with pytest.raises(LambdaError, match=cure):
        recorded.lambdas.invoke("payments", "8", {})


def test_a_function_that_may_not_be_looked_at_is_not_released_by_seatrial(recorded: Recorded) -> None:
    recorded.stub.add_client_error("get_function", "AccessDeniedException")

    assert not recorded.lambdas.is_released_by_seatrial("payments")


def zipped(**files: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("app.py", "def handler(event, context): return event")
        for name, data in files.items():
            package.writestr(name, data)
    return content.getvalue()


def whole(content: bytes) -> Callable[[str, int, int], Part]:
    """A server that knows no ranges."""
    return lambda url, first, last: Part(content, 0, len(content))


@pytest.fixture
def account() -> Iterator[LambdaClient]:
    """An account with version 1 of the function `payments`, which carries the tag."""
    with mock_aws():
        iam = boto3.client("iam", region_name="eu-west-1")
        role = iam.create_role(RoleName="payments", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        made = client()
        made.create_function(
            FunctionName="payments",
            Runtime="python3.13",
            Role=role,
            Handler="app.handler",
            Code={"ZipFile": zipped()},
            Environment={"Variables": {"KEY": "s3cret", "B": "2"}},
            Timeout=7,
            MemorySize=256,
            Tags={"seatrial": "released"},
            Publish=True,
        )
        yield made


def test_the_tag_says_whether_seatrial_releases_a_function(account: LambdaClient) -> None:
    lambdas = Lambdas(account)
    assert lambdas.is_released_by_seatrial("payments")

    account.untag_resource(Resource=account.get_function(FunctionName="payments")["Configuration"]["FunctionArn"],
                           TagKeys=["seatrial"])  # fmt: skip
    assert not lambdas.is_released_by_seatrial("payments")


def test_a_function_that_does_not_exist_is_an_error_and_not_an_untagged_function(account: LambdaClient) -> None:
    with pytest.raises(LambdaError, match="there is no such function"):
        Lambdas(account).is_released_by_seatrial("paymnts")


@pytest.mark.parametrize(
    ("tag", "made"),
    [
        pytest.param("2026-11-23T09:30:00+01:00", "2026-11-23T08:30:00+00:00", id="its commit"),
        pytest.param("", "2026-11-23T10:00:00+00:00", id="its publish where nobody says more"),
        pytest.param("yesterday", "2026-11-23T10:00:00+00:00", id="what is no moment is passed over"),
        pytest.param("2026-11-23T09:30:00", "2026-11-23T10:00:00+00:00", id="a moment of no zone, too"),
        pytest.param("2026-11-23T10:00:01Z", "2026-11-23T10:00:00+00:00", id="and a commit after the publish"),
    ],
)
def test_a_version_was_made_when_it_was_committed_or_else_published(tag: str, made: str) -> None:
    tags = {"seatrial:committed": tag} if tag else {}
    made_client = client()
    with Stubber(made_client) as stub:
        published = {"Configuration": {"LastModified": "2026-11-23T10:00:00.000+0000"}}
        stub.add_response("get_function", published, {"FunctionName": "payments", "Qualifier": "8"})
        stub.add_response("get_function", {"Tags": tags}, {"FunctionName": "payments"})
        assert Lambdas(made_client).made_at("payments", "8") == datetime.fromisoformat(made)


def test_facts_tell_versions_apart_and_never_show_the_environment(account: LambdaClient) -> None:
    lambdas = Lambdas(account)
    first = lambdas.version_facts("payments", "1")
    assert "s3cret" not in repr(first)

    account.update_function_configuration(
        FunctionName="payments", Environment={"Variables": {"B": "2", "KEY": "s3cret"}}
    )
    account.update_function_code(FunctionName="payments", ZipFile=zipped(new=b"1"))
    other_code = lambdas.version_facts("payments", "$LATEST")
    assert other_code.behaviour == first.behaviour
    assert not first.alike(other_code)

    account.update_function_configuration(
        FunctionName="payments", Environment={"Variables": {"KEY": "other", "B": "2"}}
    )
    assert lambdas.version_facts("payments", "$LATEST").behaviour != first.behaviour


def test_the_same_code_and_configuration_under_another_number_is_alike(account: LambdaClient) -> None:
    facts = Lambdas(account).version_facts("payments", "1")

    assert facts.alike(replace(facts, version="2"))
    assert not facts.alike(replace(facts, version="2", behaviour="other"))


def test_a_package_gives_the_files_below_seatrial_and_nothing_else(account: LambdaClient) -> None:
    content = zipped(**{"seatrial/suite.yaml": b"cases: []", "seatrial/events/get.json": b"{}", "seatrial/": b""})

    package = Lambdas(account, fetch=whole(content)).package("payments", "1")

    assert package.files == {"suite.yaml": b"cases: []", "events/get.json": b"{}"}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(b"<Error>expired</Error>", "is not a readable zip file", id="no zip"),
        pytest.param(
            zipped(**{"seatrial/big.json": b" " * 1_000_001}), "must have at most 1,000,000 bytes", id="too large"
        ),
        pytest.param(
            zipped(**{f"seatrial/{n}.json": b"" for n in range(501)}),
            "must have at most 500 entries, got 501",
            id="too many",
        ),
    ],
)
def test_a_package_that_is_no_package_is_refused_by_name(account: LambdaClient, content: bytes, sentence: str) -> None:
    with pytest.raises(NoPackageError, match=sentence):
        Lambdas(account, fetch=whole(content)).package("payments", "1")


def test_a_package_that_can_not_be_downloaded_is_an_error_of_its_own(account: LambdaClient) -> None:
    def offline(url: str, first: int, last: int) -> Part:
        raise OSError("connection refused")

    with pytest.raises(LambdaError, match=r"payments:1 can't be downloaded: connection refused"):
        Lambdas(account, fetch=offline).package("payments", "1")


def test_of_a_large_package_only_the_parts_around_the_suite_are_downloaded(account: LambdaClient) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as package:
        package.writestr("model.bin", random.Random(1).randbytes(9_000_000))
        package.writestr("seatrial/suite.yaml", "cases: []")
    parts: list[tuple[int, int]] = []

    def ranged(url: str, first: int, last: int) -> Part:
        parts.append((first, last))
        return Part(content.getvalue()[first : last + 1], first, len(content.getvalue()))

    assert Lambdas(account, fetch=ranged).package("payments", "1").files == {"suite.yaml": b"cases: []"}
    assert sum(last + 1 - first for first, last in parts) < 3_000_000


class Storage(BaseHTTPRequestHandler):
    """Serves ten bytes, whole or, at /ranges, as S3 does."""

    def do_GET(self) -> None:
        first, last = map(int, self.headers["Range"].removeprefix("bytes=").split("-"))
        if self.path == "/ranges":
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{last}/10")
            content = b"0123456789"[first : last + 1]
        else:
            self.send_response(200)
            content = b"0123456789"
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.mark.parametrize(("path", "part"), [("/ranges", Part(b"234", 2, 10)), ("/whole", Part(b"0123456789", 0, 10))])
def test_a_part_says_what_it_is_whether_or_not_the_server_knows_ranges(path: str, part: Part) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Storage) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            assert download(f"http://127.0.0.1:{server.server_port}{path}", 2, 4) == part
        finally:
            server.shutdown()


VERSION = {
    "Version": "7",
    "CodeSha256": "same",
    "Role": "arn:aws:iam::123456789012:role/shop",
    "Handler": "app.handler",
    "Runtime": "python3.13",
    "MemorySize": 128,
    "Timeout": 3,
    "Environment": {"Variables": {"FEES": "2"}},
}


def facts_of(**more: Any) -> VersionFacts:
    found = {"Configuration": VERSION | more}
    client = Mock()
    client.get_function.return_value = found
    return Lambdas(client).version_facts("payments", "7")


@pytest.mark.parametrize(
    "more",
    [
        {"Handler": "debug.handler"},
        {"Runtime": "python3.14"},
        {"Architectures": ["arm64"]},
        {"VpcConfig": {"SubnetIds": ["subnet-2"], "SecurityGroupIds": [], "VpcId": "vpc-1"}},
        {"FileSystemConfigs": [{"Arn": "arn", "LocalMountPath": "/mnt/a"}]},
        {"Layers": [{"Arn": "arn:aws:lambda:eu-west-1:1:layer:a:2", "CodeSize": 1}]},
        {"Environment": {"Variables": {"FEES": "3"}}},
        {"Environment": {"Variables": {}}},
        {"MemorySize": 256},
        {"Timeout": 4},
        {"EphemeralStorage": {"Size": 1024}},
        {"Role": "arn:aws:iam::123456789012:role/other"},
        {"TracingConfig": {"Mode": "Active"}},
        {"ImageConfigResponse": {"ImageConfig": {"Command": ["other"]}}},
        {"SnapStart": {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"}},
        {"DeadLetterConfig": {"TargetArn": "arn"}},
        {"KMSKeyArn": "arn"},
        {"LoggingConfig": {"LogFormat": "JSON"}},
        {"CodeSha256": "other"},
        {"AKeyToCome": {"Mode": "On"}},
    ],
    ids=lambda more: next(iter(more)),
)
def test_versions_are_alike_only_when_everything_that_changes_behaviour_is(more: dict[str, Any]) -> None:
    assert not facts_of().alike(facts_of(**more))
    assert not facts_of(**more).alike(facts_of())
    assert facts_of(**more).alike(facts_of(**more))


@pytest.mark.parametrize(
    "more",
    [
        {"Version": "9", "Description": "deploy 12", "RevisionId": "r", "LastModified": "x", "FunctionArn": "a:9"},
        {"Architectures": ["x86_64"], "EphemeralStorage": {"Size": 512}, "TracingConfig": {"Mode": "PassThrough"}},
        {"VpcConfig": {"SubnetIds": [], "SecurityGroupIds": [], "VpcId": ""}, "Layers": [], "PackageType": "Zip"},
        {"SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"}, "State": "Active"},
    ],
)
def test_what_names_a_version_and_defaults_that_are_spelt_out_change_nothing(more: dict[str, Any]) -> None:
    assert facts_of().alike(facts_of(**more))


@pytest.mark.parametrize(
    "more",
    [
        {"Environment": {"Error": {"ErrorCode": "AccessDeniedException", "Message": "kms:Decrypt"}}},
        {"ImageConfigResponse": {"Error": {"ErrorCode": "x"}}},
        *({key: ""} for key in ("CodeSha256", "Role", "Handler", "Runtime", "MemorySize")),
    ],
    ids=lambda more: next(iter(more)),
)
def test_what_cannot_be_read_is_never_alike(more: dict[str, Any]) -> None:
    assert not facts_of(**more).alike(facts_of(**more))


def test_tags_that_lambda_could_not_read_are_unknown_and_not_missing(recorded: Recorded) -> None:
    message = "User: seatrial is not authorized to perform: lambda:ListTags on resource: function:payments (no policy)"
    untold = {"ErrorCode": "AccessDeniedException", "Message": message}
    recorded.stub.add_response("get_function", {"TagsError": untold}, {"FunctionName": "payments"})
    with pytest.raises(
        LambdaError, match=r"payments has \(AccessDeniedException: .*Next: allow lambda:ListTags"
    ) as raised:
        recorded.lambdas.tag("payments")
    assert raised.value.code == "TagsError"
