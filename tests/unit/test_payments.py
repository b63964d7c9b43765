"""The payments example: what version 1 answers, and how each variant differs from it."""

from __future__ import annotations

import base64
import importlib
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from examples.payments.requests import user_request
from seatrial.aws.lambdas import Lambdas
from seatrial.flows import trial

PAYMENTS = Path(__file__).parents[2] / "examples" / "payments"
Answer = tuple[int, dict[str, Any]]


@dataclass(frozen=True)
class Context:
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:123456789012:function:payments:live"
    function_name: str = "payments"
    function_version: str = "1"
    aws_request_id: str = "3f2c"


class Payments:
    """One version of the service, imported from the package that is first on the path."""

    def __init__(self) -> None:
        self.handler: Callable[[Any, Any], dict[str, Any]] = importlib.import_module("app").handler

    def __call__(self, event: dict[str, Any]) -> Answer:
        response = self.handler(json.loads(json.dumps(event)), Context())
        return response["statusCode"], json.loads(response["body"])

    def get(self, path: str, **headers: str) -> Answer:
        return self(event("get.json", path, headers))

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        return self({**event("post.json", path, headers), "body": body if isinstance(body, str) else json.dumps(body)})


def event(name: str, path: str, headers: dict[str, str]) -> dict[str, Any]:
    base: dict[str, Any] = json.loads((PAYMENTS / "function" / "seatrial" / "events" / name).read_text())
    return {
        **base,
        "rawPath": path,
        "headers": {**base["headers"], **{k.replace("_", "-"): headers[k] for k in headers}},
    }


Version = Callable[[str], Payments]


@pytest.fixture
def version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Version]:
    """Makes a version's package as the rehearsal does and imports it, alone: all versions use the same module names."""
    names = {file.stem for file in (PAYMENTS / "function").glob("*.py")}
    before = {name: sys.modules.pop(name) for name in names & set(sys.modules)}

    def make(variant: str) -> Payments:
        package = tmp_path / f"{len(list(tmp_path.iterdir()))}-{variant}"
        shutil.copytree(PAYMENTS / "function", package, ignore=shutil.ignore_patterns("__pycache__"))
        if variant != "v1":
            for file in (PAYMENTS / "variants" / variant).glob("*.py"):
                shutil.copy(file, package)
        for name in names:
            sys.modules.pop(name, None)
        monkeypatch.syspath_prepend(package)
        return Payments()

    yield make
    for name in names:
        sys.modules.pop(name, None)
    sys.modules.update(before)


@pytest.fixture
def payments(version: Version) -> Payments:
    return version("v1")


@pytest.mark.parametrize(
    ("amount", "currency", "fee"),
    [(12.50, "EUR", 0.25), (80, "JPY", 2), (0.01, "USD", 0), (99.99, "GBP", 2)],
)
def test_a_fee_is_two_percent_in_whole_coins(payments: Payments, amount: float, currency: str, fee: float) -> None:
    status, quote = payments.post("/quotes", {"amount": amount, "currency": currency})
    assert (status, quote["fee"]) == (200, fee)
    assert quote["lines"] == [{"what": "payment", "amount": amount}, {"what": "fee", "amount": fee}]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("amount=5", "must be JSON"),
        ("[" * 100_000, "must be JSON"),
        ("[5]", "must be an object"),
        ({"amount": 5}, "currency must be one of EUR, GBP, JPY, USD"),
        ({"amount": 5, "currency": ["EUR"]}, "currency must be one of"),
        ({"currency": "EUR"}, "amount must be a number"),
        ({"amount": True, "currency": "EUR"}, "amount must be a number"),
        ('{"amount": NaN, "currency": "EUR"}', "amount must be a number"),
        ({"amount": "nan", "currency": "EUR"}, "amount must be above 0"),
        ({"amount": -1, "currency": "EUR"}, "amount must be above 0"),
        ('{"amount": 1e999999, "currency": "EUR"}', "at most 1000000"),
        ({"amount": 0.001, "currency": "EUR"}, "multiple of 0.01"),
        ({"amount": 1.5, "currency": "JPY"}, "multiple of 1"),
        ({"amount": 50_000, "currency": "EUR"}, "worth at most 10000 USD"),
    ],
)
def test_bad_input_is_told_what_would_be_right(payments: Payments, body: Any, error: str) -> None:
    status, answer = payments.post("/quotes", body)
    assert status == 400
    assert error in answer["error"]


def test_a_body_in_base64_is_read_too(payments: Payments) -> None:
    body = base64.b64encode(b'{"amount": 80, "currency": "JPY"}').decode()
    status, quote = payments({**event("post.json", "/quotes", {}), "body": body, "isBase64Encoded": True})
    assert (status, quote["fee"]) == (200, 2)


def test_a_customer_may_pay_more_and_must_have_a_proper_name(payments: Payments) -> None:
    body = {"amount": 50_000, "currency": "EUR"}
    assert payments.post("/quotes", body, x_customer="c-0001")[0] == 200
    assert payments.post("/quotes", body, x_customer="Jane") == (400, {"error": "x-customer must look like c-0001"})


def test_a_test_refund_can_be_read_by_its_id_alone_and_by_any_version(version: Version) -> None:
    status, refund = version("v1").post("/refunds", {"amount": 1, "test": True}, x_customer="c-0007")
    assert (status, refund["status"]) == (202, "pending")
    for variant in ("good", "fails-in-the-dark"):
        assert version(variant).get("/refunds/" + refund["id"]) == (200, refund)


def test_the_same_request_opens_the_same_refund(payments: Payments) -> None:
    body = {"amount": 1, "test": True}
    assert payments.post("/refunds", body) == payments.post("/refunds", body)
    assert payments.post("/refunds", body) != payments.post("/refunds", {**body, "amount": 2})


@pytest.mark.parametrize(
    "identifier", ["", "1", "test-", "test-MS4wMC8.8c679e0eccea33e9", "test-Mi4wMC8.8c679e0eccea33e8", "é", "\ud800"]
)
def test_an_id_that_nobody_signed_is_no_refund(payments: Payments, identifier: str) -> None:
    assert payments.get("/refunds/" + identifier)[0] == 404


def test_real_refunds_and_other_paths_are_refused(payments: Payments) -> None:
    assert payments.post("/refunds", {"amount": 1})[0] == 400
    assert payments.post("/refunds", {"amount": 1, "test": "true"})[0] == 400
    assert payments.get("/quotes")[0] == 404
    assert payments.get("/")[0] == 404


def test_the_n_th_request_of_a_user_is_always_the_same_and_looks_like_an_http_apis() -> None:
    assert user_request(7) == user_request(7) != user_request(8)
    shape = event("post.json", "/", {})
    for n in range(50):
        sent = user_request(n)
        assert set(sent) <= set(shape) and set(sent["requestContext"]) == set(shape["requestContext"])
        assert sent["rawPath"] == sent["requestContext"]["http"]["path"]


@pytest.mark.parametrize("variant", ["v1", "good", "fails-in-the-dark"])
def test_users_get_what_they_ask_for(version: Version, variant: str) -> None:
    serve = version(variant)
    answers = [serve(user_request(n))[0] for n in range(300)]
    assert set(answers) == {200, 202}
    assert 20 < answers.count(202) < 60


def test_fails_for_some_answers_about_half_of_the_users_with_a_500(version: Version) -> None:
    serve = version("fails-for-some")
    answers = [serve(user_request(n))[0] for n in range(300)]
    assert set(answers) == {200, 202, 500}
    for start in range(0, 300, 50):
        assert 15 <= answers[start : start + 50].count(500) <= 30


def test_good_adds_the_total_and_changes_nothing_else(version: Version) -> None:
    body = {"amount": 12.50, "currency": "EUR"}
    (_, old), (_, new) = version("v1").post("/quotes", body), version("good").post("/quotes", body)
    assert new.pop("total") == 12.75
    assert {**new, "expires": ""} == {**old, "expires": ""}


def test_throws_while_importing_can_not_even_be_loaded(version: Version) -> None:
    with pytest.raises(KeyError, match="PAYMENTS_FEE_SHARE"):
        version("throws-while-importing")


def test_every_variant_replaces_one_module_and_its_row_in_the_readme_names_it() -> None:
    readme = (PAYMENTS / "variants" / "README.md").read_text()
    variants = [folder for folder in (PAYMENTS / "variants").iterdir() if folder.is_dir()]
    assert len(variants) == 4
    for folder in variants:
        (module,) = [file.name for file in folder.iterdir() if file.name != "__pycache__"]
        assert (PAYMENTS / "function" / module).is_file()
        assert f"| `{folder.name}` | `{module}` |" in readme


class LambdaClient:
    """As much of Lambda's client as a trial calls; its functions run right here."""

    def __init__(self, **versions: Payments | Exception) -> None:
        self.versions = versions

    def invoke(self, **call: Any) -> dict[str, Any]:
        version = self.versions[f"v{call['Qualifier']}"]
        answer: dict[str, Any] = {"StatusCode": 200, "ExecutedVersion": call["Qualifier"]}
        if isinstance(version, Exception):
            error = {"errorType": type(version).__name__, "errorMessage": str(version)}
            return {**answer, "FunctionError": "Unhandled", "Payload": BytesIO(json.dumps(error).encode())}
        context = Context(f"arn:aws:lambda:eu-west-1:123456789012:function:payments:{call['Qualifier']}")
        response = version.handler(json.loads(call["Payload"]), context)
        return {**answer, "Payload": BytesIO(json.dumps(response).encode())}


def try_out(stable: Payments, candidate: Payments | Exception) -> trial.TrialReport:
    suite = trial.load_folder(PAYMENTS / "function" / "seatrial")
    client: Any = LambdaClient(v1=stable, v2=candidate)
    return trial.run(Lambdas(client), "payments", "2", suite, stable="1", until=lambda: 60.0)


@pytest.mark.parametrize("variant", ["v1", "good", "fails-for-some"])
def test_the_suite_passes_in_the_dark_and_no_outcome_is_counted(
    version: Version, variant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    report = try_out(version("v1"), version(variant))
    assert report.refusal is None
    assert [result.outcome for result in report.results] == ["passed"] * 12
    assert report.results[-1].version == "1", "the version we would go back to was asked"
    assert capsys.readouterr().out == ""


def test_fails_in_the_dark_fails_one_case_and_the_refusal_says_which(version: Version) -> None:
    assert try_out(version("v1"), version("fails-in-the-dark")).refusal == (
        "1 of 12 cases failed: 'asks 2 for 80 JPY': response.body.fee is 1.6, expected 2"
    )


def test_throws_while_importing_fails_the_first_case_already(version: Version) -> None:
    with pytest.raises(KeyError) as thrown:
        version("throws-while-importing")
    refusal = try_out(version("v1"), thrown.value).refusal
    assert refusal is not None
    assert refusal.startswith("11 of 12 cases failed: 'health answers'")


def test_the_suite_has_a_smoke_case_that_is_asked_through_the_alias() -> None:
    suite = trial.load_folder(PAYMENTS / "function" / "seatrial")
    assert [case.name for case in suite.cases if case.smoke] == ["health answers"]
