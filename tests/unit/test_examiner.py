"""Patterns and paths of a suite are computed in another process, which is killed when it takes too long."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from seatrial.core.examine import Examined, Sought, examine, is_quick
from seatrial.core.expect import Response
from seatrial.core.values import Json
from seatrial.flows.examiner import Examiner

CATASTROPHE = r"^(\w+-?)+$"


@pytest.fixture
def examiner() -> Iterator[Examiner]:
    with Examiner(computing=0.2) as examiner:
        yield examiner


def a_minute() -> float:
    return 60.0


def matches(pattern: str) -> Sought:
    return Sought({"response.id": {"matches": pattern}})


@pytest.mark.parametrize(
    ("path", "right", "quick"),
    [
        ("response.statusCode", 200, True),
        ("length(response.lines)", {"above": 0}, True),
        ("response.lines[*].id", ["a"], True),
        ("response.lines[0:2] | [0]", "a", False),
        ("response.id", {"matches": "^a"}, False),
        ("response.[a, b]", [1, 2], False),
        ("response.lines[?id == 'a']", [], False),
        ("to_string(response)", "", False),
    ],
)
def test_only_plain_paths_without_patterns_are_quick(path: str, right: Json, quick: bool) -> None:
    assert is_quick(Sought({path: right})) is quick


def test_plain_expectations_start_no_process(examiner: Examiner) -> None:
    found = examiner.examine(Sought({"response.id": "a"}, {"id": "response.id"}), Response({"id": "a"}), a_minute)
    assert found == Examined(captured={"id": "a"})
    assert examiner._process is None


@pytest.mark.parametrize("response", [Response({"id": "abc"}), Response({"id": 5}), Response(error={"errorType": "E"})])
def test_other_process_finds_what_this_one_would(examiner: Examiner, response: Response) -> None:
    sought = Sought({"response.id": {"matches": "^a"}, "duration": {"below": 5}}, {"kept": "response.id"})
    assert not is_quick(sought)
    assert examiner.examine(sought, response, a_minute) == examine(sought, response)


@pytest.mark.parametrize("length", [28, 60, 5_000])
def test_catastrophic_pattern_is_ended(examiner: Examiner, length: int) -> None:
    found = examiner.examine(matches(CATASTROPHE), Response({"id": "x" * length + "!"}), a_minute)
    assert found.wrong == (
        "not checked: its patterns and paths took more than 0.2 s of computing time; "
        "write a pattern without repetitions inside repetitions",
    )
    assert examiner.examine(matches("^a"), Response({"id": "a"}), a_minute) == Examined()


@pytest.mark.parametrize(
    "path",
    [
        "response" + " | [@, @][]" * 40,
        "response | " + " | ".join(["[@, @]"] * 24) + " | to_string(@)",
        "response|[" + "[@,@]|" * 35 + "@," + "[@,@]|" * 35 + "@]|[0]==[1]",
    ],
)
def test_path_that_doubles_its_value_is_ended(examiner: Examiner, path: str) -> None:
    (wrong,) = examiner.examine(Sought({path: 1}), Response("a" * 1_000), a_minute).wrong
    assert wrong.startswith("not checked: its patterns and paths ")


def test_other_threads_go_on_while_a_pattern_computes() -> None:
    """As a hook's timer must: it answers CodeDeploy before Lambda's limit."""
    answered = threading.Event()
    with Examiner(computing=60) as examiner:
        examiner.examine(matches("^a"), Response({"id": "a"}), a_minute)
        process = examiner._process
        assert process

        def answer() -> None:
            answered.set()
            process.kill()

        timer = threading.Timer(0.05, answer)
        timer.start()
        found = examiner.examine(matches(CATASTROPHE), Response({"id": "x" * 60 + "!"}), a_minute)
    assert answered.is_set()
    assert found.wrong == ("not checked: the process that computes its patterns and paths ended with code -9",)


def test_time_that_is_over_ends_the_process(examiner: Examiner) -> None:
    found = examiner.examine(matches("^a"), Response({"id": "a"}), lambda: 0.0)
    assert found.wrong == ("not checked: the time was over before its patterns and paths were computed",)
    assert examiner._process is None


def test_large_response_passes_through_the_pipes(examiner: Examiner) -> None:
    response = Response({"id": "a" * 2_000_000, "lines": ["b"] * 1_000})
    sought = Sought({"response.id": {"matches": "^b"}}, {"all": "response.lines | @"})
    (wrong,) = examiner.examine(sought, response, a_minute).wrong
    assert wrong.endswith("aaa…, expected a text that matches ^b")


def test_captured_value_beyond_its_bound_is_not_kept() -> None:
    found = examine(Sought(capture={"id": "response"}), Response("a" * 10_000))
    assert found.captured == {}
    assert found.wrong == ("'id' can't be captured: response must have at most 10,000 bytes, got 10,002",)


@pytest.mark.parametrize(
    ("path", "right", "payload", "wrong"),
    [
        ("ceil(response)", 1, float("inf"), "ceil(response) can't be read: cannot convert float infinity to integer"),
        ("response", {"about": 1.5, "within": 0.1}, 10**400, "expected 1.5 ± 0.1"),
        ("response", {"below": 1.5}, 10**400, "expected below 1.5"),
    ],
)
def test_number_without_bound_fails_its_expectation(path: str, right: Json, payload: Json, wrong: str) -> None:
    (sentence,) = examine(Sought({path: right}), Response(payload)).wrong
    assert wrong in sentence
