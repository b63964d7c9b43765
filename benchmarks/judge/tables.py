"""The tables of docs/judge-tables.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from benchmarks.judge import worlds
from benchmarks.judge.measure import SEED, Found, found, run, side_by_side
from benchmarks.judge.methods import (
    METHODS,
    Method,
    the_judge,
    the_judge_after_100_percent,
    the_judge_with_one_stake,
    the_judge_without_limit,
)
from benchmarks.judge.worlds import (
    BASE_SHARES,
    HARMLESS,
    LATE,
    MINUTES,
    TRAFFIC,
    Cell,
    World,
)
from seatrial.core.evidence import FEW_REQUESTS, HARMLESS_SHARE, Row
from seatrial.core.foresight import POWER, Step, foresee, steps_of
from seatrial.core.judge import CLEARED_AT, HARMFUL, judge, judge_slow
from seatrial.core.sections import JudgeSettings
from seatrial.core.verdict import percent

DEFAULTS = JudgeSettings()
JUDGES = {"the judge": the_judge, "the judge, no stake for the end of the warm-up": the_judge_with_one_stake}
ALL = {**METHODS, **JUDGES}


@dataclass(frozen=True)
class Runs:
    """How many shifts are simulated a cell."""

    harmless: int = 3000
    harmful: int = 500
    ok: int = 250
    foresight: int = 300


def document(runs: Runs) -> str:
    """The whole page, in Markdown."""
    return (
        "\n\n".join(
            [
                _head(runs),
                *false_alarms(runs),
                *detection(runs),
                *alone(runs),
                *clearing(runs),
                *latency(runs),
                *foresight(runs),
            ]
        )
        + "\n"
    )


def _head(runs: Runs) -> str:
    return (
        "# The judge, measured\n\nWritten by `make proof` (`python -m benchmarks.judge` prints the same); don't edit. "
        f"Every figure is from simulated shifts with the seed {SEED}: {MINUTES} closed minutes, "
        f"{percent(worlds.CANDIDATE_SHARE)} of the traffic on the candidate, a look after every minute, at "
        f"{', '.join(map(str, TRAFFIC))} requests a second and {' and '.join(map(percent, BASE_SHARES))} bad outcomes "
        f"of stable. All settings of the judge are the defaults. [judging.md](judging.md) says how it works."
    )


# ---------------------------------------------------------------- false alarms


HARMLESS_CELLS = tuple(Cell(world, rate, base) for world in HARMLESS for rate in TRAFFIC for base in BASE_SHARES)


def _found(runs: int, job: tuple[str, Cell]) -> Found:
    method, cell = job
    return found(ALL[method], cell, runs)


def worst(method: str, world: World, results: dict[tuple[str, Cell], Found]) -> float:
    """The largest share of shifts with an alarm, over traffic and stable's share."""
    return max(result.share for (name, cell), result in results.items() if name == method and cell.world == world)


def measured(methods: Iterable[str], cells: Sequence[Cell], runs: int) -> dict[tuple[str, Cell], Found]:
    jobs = [(method, cell) for method in methods for cell in cells]
    return dict(zip(jobs, side_by_side(partial(_found, runs), jobs), strict=True))


def false_alarms(runs: Runs) -> list[str]:
    results = measured(ALL, HARMLESS_CELLS, runs.harmless)
    rows = [[_name(method), *(_tenth(worst(method, world, results)) for world in HARMLESS)] for method in ALL]
    return [
        "## False alarms",
        f"Shares of shifts with an alarm although nothing had to be taken back, by minute {MINUTES}; the worst of the "
        f"six combinations of traffic and stable's share, {runs.harmless:,} shifts each.",
        _table(["method", *(world.name for world in HARMLESS)], rows),
        "An outage fails 30 % of both versions' requests in minutes 11 to 15; a cold start makes the candidate's first "
        "two minutes four times as bad. The last line is the judge with half of its stake on the first minute and the "
        "rest on all others: it is slower after a warm-up (below).",
    ]


# ---------------------------------------------------------------- detection

DETECTED = (
    (20, 0.01, "x5"),
    (20, 0.01, "x20"),
    (20, 0.01, "all failing"),
    (20, 0.001, "x5"),
    (20, 0.001, "x20"),
    (500, 0.01, "x2"),
    (500, 0.01, "x5"),
    (500, 0.01, "x20"),
    (500, 0.01, "all failing"),
    (500, 0.001, "x5"),
    (1, 0.01, "x20"),
    (1, 0.01, "all failing"),
    (1, 0.001, "all failing"),
    (20, 0.01, "x5 from minute 11 on"),
    (20, 0.01, "x20 from minute 11 on"),
)
DETECTED_CELLS = tuple(
    Cell(world, rate, base) for rate, base, name in DETECTED for world in (*worlds.HARMFUL, *LATE) if world.name == name
)


def detection(runs: Runs) -> list[str]:
    results = measured(ALL, DETECTED_CELLS, runs.harmful)
    rows = [
        [str(cell.rate), percent(cell.base), cell.world.name, *(_when(results[method, cell]) for method in ALL)]
        for cell in DETECTED_CELLS
    ]
    return [
        "## Detection",
        f"The minute by which half of the shifts had an alarm / nine of ten had one; – when fewer had any by minute "
        f"{MINUTES}. {runs.harmful:,} shifts each. What alarms on everything (above) also alarms here.",
        _table(["requests/s", "stable's share", "candidate", *(_name(method) for method in ALL)], rows),
    ]


def _when(result: Found) -> str:
    return f"{result.by(0.5) or '–'} / {result.by(0.9) or '–'}"


# ---------------------------------------------------------------- alone

ONE_A_MINUTE = 1 / 60
WITHOUT_STABLE = (
    ("a night: all at once, 1 request a minute", ONE_A_MINUTE, 1.0, the_judge),
    ("a night: 10 % canary, 4 requests a minute", 4 / 60, 0.1, the_judge),
    ("a new service: all at once, 1 request a second", 1, 1.0, the_judge),
    ("all at once, 1,000 requests a second", 1_000, 1.0, the_judge),
    ("the same after 100 %, the hour before empty", 1_000, 1.0, the_judge_after_100_percent),
    ("a new service after 100 %, 1 request a second", 1, 1.0, the_judge_after_100_percent),
    ("all at once, without the limit", 1_000, 1.0, the_judge_without_limit),
)
ALONE_CELLS = tuple(
    (name, method, Cell(world, rate, 0.01, candidate_share=share))
    for name, rate, share, method in WITHOUT_STABLE
    for world in worlds.ALONE
)


def _found_alone(runs: Runs, job: tuple[str, Method, Cell]) -> Found:
    _, method, cell = job
    return found(method, cell, runs.harmless if cell.world in worlds.ALONE[:3] else runs.harmful)


def alone(runs: Runs) -> list[str]:
    results = side_by_side(partial(_found_alone, runs), ALONE_CELLS)
    rows = [
        [name, cell.world.name, _when(result), _tenth(result.share)]
        for (name, _, cell), result in zip(ALONE_CELLS, results, strict=True)
    ]
    return [
        "## Alone",
        f"Where stable has fewer than {FEW_REQUESTS} requests to compare with, a candidate is held against the "
        f"absolute limit of {_whole(DEFAULTS.absolute_limit)}. A candidate that is alone and fails up to 50 % "
        f"gives false alarms only: no more than {_whole(DEFAULTS.false_alarms)} of such shifts may have one. The "
        f"canary also has stable to compare with. {runs.harmless:,} shifts each where the alarm "
        f"would be false, {runs.harmful:,} elsewhere.",
        _table(["traffic", "candidate", "half / nine of ten found by minute", f"found by minute {MINUTES}"], rows),
    ]


# ---------------------------------------------------------------- ok

CLEARED = (World("no difference"), World("x1.2", 1.2), World("x2", 2), World("x10", 10))
CLEARED_CELLS = tuple(Cell(world, rate, base) for world in CLEARED for rate in TRAFFIC for base in BASE_SHARES)

# The least harm that there is: harder to tell from none than any other.
JUST_HARMFUL = tuple(
    Cell(World("harmful, but just", fails=max(HARMFUL * DEFAULTS.worse_than * base, HARMLESS_SHARE)), rate, base)
    for rate in TRAFFIC
    for base in BASE_SHARES
)


def words(runs: int, cell: Cell) -> list[float]:
    """The shares of shifts of which any look said ok, and that end ok, worse and inconclusive."""
    judged = list(run(_ever_and_at_last, cell, runs))
    last = [word for _, word in judged]
    return [sum(ever for ever, _ in judged) / runs, *(last.count(w) / runs for w in ("ok", "worse", "inconclusive"))]


def _ever_and_at_last(rows: Sequence[Row]) -> tuple[bool, str]:
    looks = [judge(rows[:minute], DEFAULTS).verdict for minute in range(1, len(rows) + 1)]
    return "ok" in looks, looks[-1]


def clearing(runs: Runs) -> list[str]:
    cells = [*CLEARED_CELLS, *JUST_HARMFUL]
    rows = [
        [cell.world.name, str(cell.rate), percent(cell.base), *map(_whole, shares)]
        for cell, shares in zip(cells, side_by_side(partial(words, runs.ok), cells), strict=True)
    ]
    return [
        "## Ok",
        f"`ok` is wrong when it is said of a candidate that is {HARMFUL * DEFAULTS.worse_than:g} times as bad as "
        f"stable, or worse, and fails {percent(HARMLESS_SHARE)} of its requests or more. That may happen to "
        f"{percent(1 / CLEARED_AT)} of such shifts, however often one looks. Shares of {runs.ok:,} shifts each: "
        f"whether any look said ok, and the verdict after {MINUTES} minutes.",
        _table(["candidate", "requests/s", "stable's share", "ever ok", "ok", "worse", "inconclusive"], rows),
    ]


# ---------------------------------------------------------------- latency


def slow_by(rows: Sequence[Row]) -> int | None:
    """The minute in which the judge finds the candidate slower; errors have the other half of the false alarms."""
    verdict = judge_slow(rows, DEFAULTS, share=0.5)
    return verdict.minute if verdict.verdict == "worse" else None


def latency(runs: Runs) -> list[str]:
    cells = [Cell(world, rate, worlds.SLOW_SHARE) for world in worlds.SLOW for rate in TRAFFIC]
    results = side_by_side(partial(found, slow_by, runs=runs.harmful), cells)
    rows = [
        [cell.world.name, str(cell.rate), _when(result), _tenth(result.share)]
        for cell, result in zip(cells, results, strict=True)
    ]
    return [
        "## Latency",
        "A request is slow above stable's p95 of the hour before; the first two minutes don't count. Durations are "
        f"log-normal, the deviation of their logarithm is {worlds.DURATIONS_SPREAD}. {runs.harmful:,} shifts each.",
        _table(["candidate", "requests/s", "half / nine of ten found by minute", f"found by minute {MINUTES}"], rows),
    ]


# ---------------------------------------------------------------- foresight

FORESEEN = ("Canary10Percent5Minutes", "Canary10Percent30Minutes", "Linear10PercentEvery1Minute")
FORESEEN_TRAFFIC = (0.4, 5, 20, 500)


def _power(runs: int, job: tuple[str, float, float]) -> tuple[float | None, float]:
    """The share that is foreseen to be noticed, and in how many simulated shifts it is."""
    configuration, rate, base = job
    steps = steps_of(configuration) or ()
    share = foresee(steps, rate, base, DEFAULTS).share
    if share is None:
        return None, 0.0
    noticed = 0
    for number in range(runs):
        rows = [row for at, step in enumerate(steps) for row in _step(rate, base, share, step, f"{number} {at}")]
        noticed += judge(rows, DEFAULTS).verdict == "worse"
    return share, noticed / runs


def _step(rate: float, base: float, share: float, step: Step, seed: str) -> list[Row]:
    cell = Cell(World("foreseen", fails=share), rate, base, step.minutes, step.share)
    return worlds.shift(cell, f"{SEED} {seed}")


def foresight(runs: Runs) -> list[str]:
    jobs = [(name, rate, base) for name in FORESEEN for rate in FORESEEN_TRAFFIC for base in BASE_SHARES]
    rows = [
        [
            name,
            f"{rate:g}",
            percent(base),
            "nothing" if share is None else percent(float(f"{share:.2g}")),
            _whole(power),
        ]
        for (name, rate, base), (share, power) in zip(
            jobs, side_by_side(partial(_power, runs.foresight), jobs), strict=True
        )
    ]
    return [
        "## What a shift can see",
        f"The smallest share of failing requests that is foreseen to be noticed with a power of {_whole(POWER)}, and "
        f"how many of {runs.foresight:,} other simulated shifts with that share were.",
        _table(["configuration", "requests/s", "stable's share", "foreseen", "noticed"], rows),
    ]


def _name(method: str) -> str:
    return f"**{method}**" if method == "the judge" else method


def _tenth(share: float) -> str:
    return f"{share:.1%}".replace("%", " %")


def _whole(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
