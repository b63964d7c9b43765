"""The trial: a suite run against a version that serves no users."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from seatrial.aws.lambdas import LambdaError, Lambdas
from seatrial.core import expect, folder_files, suite, suite_of
from seatrial.core.cases import Case
from seatrial.core.examine import Sought
from seatrial.core.source import Mark, Mistake, NoSuiteError, SuiteError
from seatrial.core.suite import Suite
from seatrial.core.suite_of import SUITE
from seatrial.core.values import Json, UnfitError
from seatrial.flows import suite_file
from seatrial.flows.examiner import Examiner

# A refusal must fit into a log line and a message to a phone; the report has the rest.
_TOLD = 3


type Outcome = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True)
class CaseResult:
    """How a case went. `sentences` say what did not hold, or why it was skipped; `notes` what could not be measured.

    `duration` is Lambda's own figure in milliseconds, `version` the one that answered; None when the case did not run.
    """

    name: str
    outcome: Outcome
    sentences: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    duration: float | None = None
    version: str | None = None


type Once = Callable[[Case, Callable[[], CaseResult]], CaseResult]


@dataclass(frozen=True)
class TrialReport:
    """The results in the order of the suite."""

    results: tuple[CaseResult, ...]

    @property
    def failed(self) -> tuple[CaseResult, ...]:
        return tuple(result for result in self.results if result.outcome == "failed")

    @property
    def refusal(self) -> str | None:
        """Why the version may not go on, as one sentence for people; None when no case failed."""
        if not self.failed:
            return None
        told = [f"'{result.name}': {_first(result.sentences)}" for result in self.failed[:_TOLD]]
        more = [f"and {len(self.failed) - _TOLD} more"] if len(self.failed) > _TOLD else []
        return f"{len(self.failed)} of {_cases(len(self.results))} failed: {'; '.join(told + more)}"

    @property
    def detail(self) -> str:
        """Every case that did not pass, with a line for each of its sentences; "" when the summary has them all."""
        if len(self.failed) <= _TOLD and all(len(result.sentences) <= _TOLD for result in self.failed):
            return ""
        return "\n".join(
            f"{result.outcome} '{result.name}': {sentence}"
            for result in self.results
            if result.outcome != "passed"
            for sentence in result.sentences
        )

    @property
    def summary(self) -> str:
        """The refusal, or how many cases passed."""
        if self.refusal:
            return self.refusal
        if not self.results:
            return "no case was to be run"
        passed = sum(result.outcome == "passed" for result in self.results)
        skipped = len(self.results) - passed
        return f"{passed} of {_cases(len(self.results))} passed" + (f", {skipped} skipped" if skipped else "")


def _first(sentences: tuple[str, ...]) -> str:
    """As many as a message has room for, and how many more there are."""
    more = [f"and {len(sentences) - _TOLD} more expectations"] if len(sentences) > _TOLD else []
    return ", ".join((*sentences[:_TOLD], *more))


def _cases(count: int) -> str:
    return f"{count} case{'' if count == 1 else 's'}"


def load(lambdas: Lambdas, function: str, version: str) -> Suite:
    """The suite in the version's own package. Raises NoSuiteError, SuiteError and LambdaError."""
    package = lambdas.package(function, version)
    found = suite_of.of(package.files, package.origin.folders)
    if found is None:
        origin = replace(package.origin, function=function)
        raise NoSuiteError(suite_of.missing(origin, version, package.files, is_inline=package.is_inline))
    return _read(found, "seatrial/")


def _read(found: suite_of.Found, above: str) -> Suite:
    return suite.parse(suite_file.read(found.files[SUITE], f"{above}{found.folder}{SUITE}"), found.files)


def load_folder(folder: Path) -> Suite:
    """The common suite in a folder `seatrial/` on this machine. Raises NoSuiteError and SuiteError."""
    suites = load_folders(folder)
    if "" not in suites:
        raise NoSuiteError(f"{folder} has suites for {', '.join(suites)} only, and none for all other functions")
    return suites[""]


def load_folders(folder: Path) -> dict[str, Suite]:
    """All suites in a folder `seatrial/` on this machine, by their own folder's name; "" is the common one.

    Raises NoSuiteError and SuiteError, the latter with the mistakes of all.
    """
    files = _files_in(folder)
    suites: dict[str, Suite] = {}
    mistakes: list[Mistake] = []
    for name in ([""] if SUITE in files else []) + list(suite_of.folders_in(files)):
        try:
            found = suite_of.of(files, [name] if name else [])
            assert found  # both have one
            suites[name] = _read(found, f"{folder}/")
        except SuiteError as error:
            mistakes += error.mistakes
    if mistakes:
        raise SuiteError(mistakes)
    if not suites:
        path = folder / SUITE
        raise NoSuiteError(f"there is no {path}: name the folder that holds {SUITE}, usually seatrial/ beside the code")
    return suites


def _files_in(folder: Path) -> dict[str, bytes]:
    found = [
        file for file in sorted(folder.rglob("*")) if file.is_file() and file.resolve().is_relative_to(folder.resolve())
    ]
    try:
        folder_files.check({file.relative_to(folder).as_posix(): file.stat().st_size for file in found})
    except UnfitError as unfit:
        raise SuiteError([Mistake(str(folder), Mark(1, 1), "", str(unfit))]) from unfit
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in found}


def run(
    lambdas: Lambdas,
    function: str,
    candidate: str,
    suite: Suite,
    *,
    until: Callable[[], float],
    stable: str | None = None,
    smoke_only: bool = False,
    qualifier: str | None = None,
    once: Once = lambda case, run: run(),
) -> TrialReport:
    """Runs the cases one after the other and never raises for what a case does.

    `candidate` and `stable` are version numbers: invoking a number is what keeps a trial dark. `qualifier` is asked
    instead of the candidate, for smoke cases through an alias. `until` tells how many seconds are left; when none
    are, no further case is begun and those that remain have failed. `once` runs a case unless it has effects and ran
    before in this release.
    """
    with Examiner() as examiner:
        running = _Trial(lambdas, function, qualifier or candidate, stable, until, examiner, once, suite.redact)
        return TrialReport(tuple(running.run(case) for case in suite.cases if case.smoke or not smoke_only))


class _Trial:
    """A run of a suite with what its cases have captured so far."""

    def __init__(
        self,
        lambdas: Lambdas,
        function: str,
        asked: str,
        stable: str | None,
        until: Callable[[], float],
        examiner: Examiner,
        once: Once,
        redact: tuple[str, ...],
    ) -> None:
        self._lambdas = lambdas
        self._function = function
        self._qualifiers: Mapping[str, str | None] = {"candidate": asked, "stable": stable}
        self._until = until
        self._examiner = examiner
        self._once = once
        self._redact = redact
        self._captured: dict[str, Json] = {}

    def run(self, case: Case) -> CaseResult:
        if missing := sorted(case.needs - self._captured.keys()):
            return CaseResult(case.name, "skipped", (f"needs '{missing[0]}', which no case before it could capture",))
        qualifier = self._qualifiers[case.on]
        if qualifier is None:
            return CaseResult(case.name, "skipped", ("there is no stable version to run it on",))
        if self._until() <= 0:
            return CaseResult(case.name, "failed", ("not run: the time for the trial was over",))
        return self._once(case, lambda: self._ask(case, qualifier))

    def _ask(self, case: Case, qualifier: str) -> CaseResult:
        try:
            case.expectations(self._captured)
            sought = Sought(
                case.expected(self._captured), {name: path.text for name, path in case.capture.items()}, self._redact
            )
            request = case.request(self._captured)
            response = self._lambdas.invoke(self._function, qualifier, request, self._until)
            if case.body == "json":
                response = expect.with_json_body(response)
            examined = self._examiner.examine(sought, response, self._until)
        except (LambdaError, UnfitError) as error:
            return CaseResult(case.name, "failed", (str(error),))
        except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
            # A fault of Seatrial's, or a value that no bound foresees: it fails this case alone.
            return CaseResult(case.name, "failed", (f"could not be run ({type(error).__name__}: {error})",))
        self._captured |= examined.captured
        return CaseResult(
            name=case.name,
            outcome="failed" if examined.wrong else "passed",
            sentences=examined.wrong,
            notes=tuple(f"{path} was not measured" for path in examined.unmeasured),
            duration=response.duration,
            version=response.version,
        )
