"""Gates are asked in order, and only as far as needed."""

from __future__ import annotations

from seatrial.core.gate import Report, first_refusal


def test_gates_after_a_refusal_are_never_asked() -> None:
    asked: list[str] = []

    def gate(name: str, refusal: str | None) -> str | None:
        asked.append(name)
        return refusal

    refusal = first_refusal(
        lambda: gate("hold", None), lambda: gate("preflight", "no rollback"), lambda: gate("trial", "fails")
    )
    assert refusal == "no rollback"
    assert asked == ["hold", "preflight"]


def test_without_a_refusal_nothing_speaks_against_it() -> None:
    assert first_refusal(lambda: None, lambda: None) is None


def test_a_report_speaks_codedeploys_two_words() -> None:
    assert Report.succeeded("fine").answer == "Succeeded"
    assert Report.failed("not fine").answer == "Failed"
