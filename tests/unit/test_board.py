"""The board: what it shows of which release, on a page and in a widget, and what it makes of a dashboard's words."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from cli import board as command
from cli.account import AccountError
from seatrial.aws.metrics import Metrics
from seatrial.core import board_html, story, widget
from seatrial.core.board import Board, Shown, chart_of
from seatrial.core.chart import Bucket, Weight
from seatrial.core.delivery import delivery
from seatrial.core.deployment import Deployment, Shift, Status
from seatrial.core.release import Release, State, Step
from seatrial.core.widget import WidgetError
from seatrial.flows import board as flow
from seatrial.flows.account import Account
from tests.small_account import REGION, SmallAccount, event, make_table

FIXTURES = Path(__file__).parents[1] / "fixtures"
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def release(id: str, opened: float, state: State, **more: Any) -> Release:
    base = Release(
        deployment_id=id,
        application="shop",
        group="payments",
        function="payments",
        alias="live",
        stable="7",
        candidate="8",
        opened_at=at(opened),
        state=state,
        configuration="CodeDeployDefault.LambdaCanary10Percent5Minutes",
    )
    return replace(base, **more)


def step(kind: str, minutes: float, sentence: str, by: str = "", outcome: str = "") -> Step:
    return Step(kind, "", f"payments:live: {sentence}", at(minutes), by, outcome)


def rows(opened: float, *counts: tuple[int, int, int, int]) -> tuple[Bucket, ...]:
    return tuple(Bucket(60.0 * minute, *each) for minute, each in enumerate(counts))


SHIFTING = Shown(
    release("d-SHIFTING1", -3, State.SHIFTING),
    (
        step("opened", -3, "version 8 wants to replace version 7 (d-SHIFTING1)"),
        step("trial", -2.4, "version 8 was tried in the dark: 12 of 12 cases passed"),
        step("answer", -2.3, "version 8 passed its trial", "functions/pre_traffic", "Succeeded"),
    ),
    rows(-3, (60, 0, 0, 0), (54, 0, 5, 0), (52, 1, 7, 1)),
)
TAKEN_BACK = Shown(
    release(
        "d-TAKENBAC1",
        -90,
        State.TAKEN_BACK,
        reason="alarm payments-bad-outcomes rang: 9 of 61 <requests> were bad",
        by="functions/rollback",
        closed_at=at(-86.5),
    ),
    (
        step("opened", -90, "version 8 wants to replace version 7 (d-TAKENBAC1)"),
        step("trial", -89.1, "version 8 was tried in the dark: 12 of 12 cases passed"),
        step("answer", -89, "version 8 passed its trial", "functions/pre_traffic", "Succeeded"),
        step("going back", -87, "going back from version 8 to version 7: alarm rang", "functions/rollback"),
        step("closed", -86.5, "version 8 was taken back to version 7", "functions/rollback"),
        step("nag", 400, "told long after"),
    ),
    rows(-90, (60, 0, 0, 0), (50, 0, 6, 4), (53, 1, 7, 5), (60, 0, 0, 0)),
)
RELEASED = Shown(
    release("d-RELEASED1", -300, State.RELEASED, closed_at=at(-287), bake=300.0, bake_until=at(-287.5)),
    (
        step("opened", -300, "version 8 wants to replace version 7 (d-RELEASED1)"),
        step("answer", -299, "version 8 passed its trial", "functions/pre_traffic", "Succeeded"),
        step("smoke", -293, "version 8 was asked again through the alias", "functions/post_traffic"),
        step("baking", -292.5, "version 8 bakes", "functions/post_traffic"),
        step("closed", -287, "version 8 is released and serves everybody", "CodeDeploy"),
        step("guard over", -227, "the guard over version 8 is over"),
    ),
    rows(-300, (60, 0, 0, 0), *([(54, 0, 6, 0)] * 5), *([(0, 0, 61, 0)] * 6)),
)
REFUSED = Shown(
    release("d-REFUSED11", -400, State.REFUSED, closed_at=at(-399), reason="3 of 12 cases failed", by="functions/<x>"),
    (step("opened", -400, "version 8 wants to replace version 7"),),
)
ENDED = (TAKEN_BACK, RELEASED, REFUSED)
RETURNED = release(
    "d-RETURNED1", -60 * 1440, State.RETURNED, reason="alarm fees-wrong rang", by="functions/rollback", function="fees"
)


def a_board(
    open: tuple[Shown, ...] = (SHIFTING,), last: tuple[Shown, ...] = ENDED, wounds: tuple[Release, ...] = ()
) -> Board:
    steps = {shown.release.deployment_id: shown.steps for shown in last}
    figures = delivery([shown.release for shown in last], steps, 28)
    return Board(NOON, at(-28 * 1440), NOON, "", figures, open, last, wounds=wounds)


class Page(HTMLParser):
    """Its tags, well nested, their attributes, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attributes
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attributes

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_whole_page_looks_as_it_was_looked_at() -> None:
    """`SNAPSHOTS=write pytest …` writes it anew, to be looked at before it is kept."""
    shown = board_html.page(a_board(wounds=(RETURNED,)))
    if os.environ.get("SNAPSHOTS") == "write":
        (FIXTURES / "board-page.html").write_text(shown)
    assert shown == (FIXTURES / "board-page.html").read_text()


def test_open_releases_come_first() -> None:
    assert re.findall(r"d-[A-Z]+1+, ", board_html.page(a_board())) == [
        "d-SHIFTING1, ",
        "d-TAKENBAC1, ",
        "d-RELEASED1, ",
        "d-REFUSED11, ",
    ]


def test_what_is_to_be_healed_stands_above_all_else_in_the_words_of_every_other_place() -> None:
    text = Page(board_html.page(a_board(wounds=(RETURNED,)))).text
    above, _, below = text.partition("Released")
    assert "✗ fees:live is to be healed" in above
    assert story.to_be_healed(RETURNED).replace("`", "") in above
    assert "returned by functions/rollback: alarm fees-wrong rang" in above
    assert "healed" not in below


def test_what_is_to_be_typed_is_set_apart() -> None:
    html = board_html.page(a_board(wounds=(RETURNED,)))
    assert "<code>sam deploy --parameter-overrides Shifting=on</code>" in html


def test_a_board_with_nothing_on_it_says_so() -> None:
    assert "No release is open" in board_html.fragment(a_board((), ()), theme="light", width=600)


@pytest.mark.parametrize("html", [board_html.page(a_board()), board_html.fragment(a_board(), theme="dark", width=600)])
def test_nothing_on_it_is_taken_out_by_a_dashboard_or_needs_a_network(html: str) -> None:
    page = Page(html)
    assert not {"script", "iframe", "use", "link", "img"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on") or name in ("href", "src")]


@pytest.mark.parametrize(
    "words", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</style><b>", "&amp;"]
)
def test_what_others_have_written_stays_text(words: str) -> None:
    written = replace(
        TAKEN_BACK.release, reason=words, by=words, function=words, stable=words, candidate=words, configuration=words
    )
    hostile = Shown(written, (Step(words, words, words, at(-88), words, words),), TAKEN_BACK.requests)
    for html in (
        board_html.page(a_board((), (hostile,))),
        board_html.page(a_board((), (), (written,))),
        board_html.fragment(a_board((), (hostile,)), theme="light", width=500),
    ):
        page = Page(html)
        assert words in page.text
        assert not {"script", "img"} & set(page.tags)
        assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert words in Page(board_html.trouble(words)).text


@pytest.mark.parametrize(("theme", "ground"), [("light", "#ffffff"), ("dark", "#15181c")])
def test_a_widget_wears_the_dashboards_theme(theme: str, ground: str) -> None:
    html = board_html.fragment(a_board(), theme=theme, width=600)
    assert re.findall(r"--ground: (#\w+)", html) == [ground]


def test_styles_stay_inside_the_widget() -> None:
    (style,) = re.findall(r"<style>(.*?)</style>", board_html.fragment(a_board(), theme="dark", width=600), re.DOTALL)
    selectors = [part.strip() for rule in re.findall(r"([^{}]+)\{", style) for part in rule.split(",")]
    assert [selector for selector in selectors if not selector.startswith(".seatrial")] == []


@pytest.mark.parametrize("width", [280, 588, 1600])
def test_charts_are_as_wide_as_the_widget_lets_them(width: int) -> None:
    drawn = re.findall(r'viewBox="0 0 (\d+) ', board_html.fragment(a_board(), theme="light", width=width))
    assert {int(each) for each in drawn} == {max(300, width - 40)}


@pytest.mark.parametrize(
    ("shown", "weights"),
    [
        pytest.param(SHIFTING, ((42.0, 0.1),), id="one that shifts is as far as its plan is by now"),
        pytest.param(TAKEN_BACK, ((60.0, 0.1), (180.0, 0.0)), id="one that is taken back ends with nothing"),
        pytest.param(RELEASED, ((60.0, 0.1), (360.0, 1.0), (420.0, 1.0)), id="one that is released serves everybody"),
        pytest.param(
            replace(TAKEN_BACK, steps=TAKEN_BACK.steps[:3]),
            ((60.0, 0.1), (210.0, 0.0)),
            id="one whose way back left no step ends with nothing, too",
        ),
        pytest.param(
            replace(TAKEN_BACK, release=replace(TAKEN_BACK.release, state=State.STRANDED), steps=TAKEN_BACK.steps[:3]),
            ((60.0, 0.1),),
            id="one that is stranded stays where it was",
        ),
        pytest.param(REFUSED, (), id="one that is refused had no traffic"),
    ],
)
def test_the_line_of_traffic_follows_the_plan_as_far_as_it_was_carried_out(
    shown: Shown, weights: tuple[tuple[float, float], ...]
) -> None:
    assert chart_of(shown, NOON).weights == tuple(Weight(t, share) for t, share in weights)


@pytest.mark.parametrize(
    ("configuration", "weights"),
    [
        ("CodeDeployDefault.LambdaAllAtOnce", [(60, 1.0)]),
        ("CodeDeployDefault.LambdaCanary10Percent30Minutes", [(60, 0.1), (1860, 1.0)]),
        ("Linear40PercentEvery1Minute", [(60, 0.4), (120, 0.8), (180, 1.0)]),
        ("CodeDeployDefault.LambdaLinear10PercentEvery2Minutes", [(60 + 120 * n, (n + 1) / 10) for n in range(10)]),
    ],
)
def test_the_plan_is_what_the_configurations_name_says(configuration: str, weights: list[tuple[float, float]]) -> None:
    begun = release("d-1", -200, State.SHIFTING, configuration=configuration)
    shown = Shown(begun, (step("answer", -199, "passed", "functions/pre_traffic", "Succeeded"),))
    drawn = chart_of(shown, NOON).weights
    assert drawn is not None
    assert [(each.t, each.share) for each in drawn] == weights


def test_where_the_plan_is_unknown_only_what_users_met_is_drawn() -> None:
    unknown = replace(TAKEN_BACK, release=replace(TAKEN_BACK.release, configuration="shop-slowly"))
    assert chart_of(unknown, NOON).weights is None
    html = board_html.fragment(a_board((), (unknown,)), theme="light", width=500)
    assert "candidate-line" not in html.partition("</style>")[2]


def test_what_is_told_long_after_the_end_does_not_stretch_the_chart() -> None:
    drawn = chart_of(TAKEN_BACK, NOON)
    assert drawn.seconds == 210
    assert max(mark.t for mark in drawn.marks) == 210


def test_of_a_release_that_nobody_met_nothing_is_drawn() -> None:
    html = board_html.fragment(a_board((), (REFUSED,)), theme="light", width=500)
    assert "<svg" not in html and " by functions/&lt;x&gt;: 3 of 12" in html


def test_a_service_that_counts_nothing_is_told_so() -> None:
    html = board_html.fragment(a_board((replace(SHIFTING, requests=()),), ()), theme="light", width=500)
    assert "the service prints no outcome lines" in html


# ---------------------------------------------------------------- what a dashboard asks


def asked(**parameters: Any) -> dict[str, Any]:
    return {**event("custom-widget"), **parameters}


def test_a_dashboards_range_counts_where_it_is_longer_than_the_days() -> None:
    ends = datetime.fromtimestamp(1627282956.521, UTC)  # the part that is zoomed into
    assert widget.read(asked(), NOON).until == ends
    assert widget.read(asked(days=1), NOON).since == ends - timedelta(days=1)
    wide = {
        "widgetContext": {"timeRange": {"start": (at(-100 * 1440)).timestamp() * 1000, "end": NOON.timestamp() * 1e3}}
    }
    assert widget.read(wide, NOON).since == at(-100 * 1440)


def test_without_a_dashboard_the_board_ends_now() -> None:
    read = widget.read({}, NOON)
    assert (read.since, read.until, read.service, read.last) == (at(-28 * 1440), NOON, "", 5)


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        ({"servcie": "payments"}, "there is no parameter 'servcie'; did you mean 'service'?"),
        ({"colour": "red"}, "there is no parameter 'colour': write one of service, days, last"),
        ({"days": "many"}, "days is 'many'; write a whole number from 1 to 400"),
        ({"days": 0}, "days is 0; write a whole number from 1 to 400"),
        ({"last": 21}, "last is 21; write a whole number from 0 to 20"),
        ({"service": "<b>"}, "service is '<b>'; write a function's name, or function:alias"),
        ({"service": ["payments"]}, "service is ['payments']; write a function's name, or function:alias"),
        ({"widgetContext": {"timeRange": {"start": "a", "end": 1}}}, "the dashboard's time range can't be read"),
        ({"widgetContext": {"timeRange": {"start": 1e30, "end": 1}}}, "the dashboard's time range can't be read"),
        ({"widgetContext": {"timeRange": {"start": 2, "end": 1}}}, "the dashboard's time range ends before it begins"),
    ],
)
def test_parameters_that_cannot_be_used_are_named(event: dict[str, Any], sentence: str) -> None:
    with pytest.raises(WidgetError, match=re.escape(sentence)):
        widget.read(event, NOON)


@pytest.mark.parametrize(("width", "used"), [(10, 280), (99_999, 1600), ("wide", 760), (None, 760), (588, 588)])
def test_a_width_is_kept_within_reason(width: Any, used: int) -> None:
    assert widget.read({"widgetContext": {"width": width}}, NOON).width == used


# ---------------------------------------------------------------- read from an account


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[SmallAccount, Account]]:
    """A ledger and metrics of moto's."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        make_table()
        small = SmallAccount()
        object.__setattr__(small.clock, "moment", NOON)
        yield small, replace(small.aws, metrics=Metrics(boto3.client("cloudwatch", **REGION)))


def open_one(aws: Account, id: str, opened: datetime, function: str = "payments") -> Release:
    shift = Shift(function, "live", "7", "8")
    deployment = Deployment(
        id, "shop", function, Status.IN_PROGRESS, opened, shift, configuration="Canary10Percent5Minutes"
    )
    return aws.ledger.open(deployment, shift, ())


def put(version: str, moment: datetime, requests: int, bad: int) -> None:
    dimensions = [{"Name": "service", "Value": "payments"}, {"Name": "version", "Value": version}]
    data = [
        {"MetricName": name, "Dimensions": dimensions, "Timestamp": moment, "Value": float(value)}
        for name, value in (("Requests", requests), ("BadOutcomes", bad))
    ]
    boto3.client("cloudwatch", **REGION).put_metric_data(Namespace="Seatrial", MetricData=data)  # type: ignore[arg-type]


def gathered(aws: Account, **parameters: Any) -> Board:
    return flow.gather(aws.ledger, aws.metrics, widget.read(parameters, NOON), NOON)


def test_bad_outcomes_of_both_versions_stand_beside_their_release(account: tuple[SmallAccount, Account]) -> None:
    _, aws = account
    open_one(aws, "d-1", at(-3))
    put("7", at(-2), 50, 1)
    put("8", at(-2), 6, 2)
    put("7", at(-30), 99, 99)  # long before
    (shown,) = gathered(aws).open
    assert shown.requests == (Bucket(60.0, 50, 1, 6, 2),)


def test_neighbours_are_read_in_one_call_and_months_apart_in_coarser_ones(
    account: tuple[SmallAccount, Account],
) -> None:
    _, aws = account
    for number, opened in enumerate((-3, -30, -60 * 24 * 20, -60 * 24 * 90)):
        one = open_one(aws, f"d-{number}", at(opened))
        aws.ledger.finish(one, State.RELEASED, "", "", at(opened + 2))
    calls: list[tuple[int, int]] = []
    client = aws.metrics._client
    client.meta.events.register(
        "provide-client-params.cloudwatch.GetMetricData",
        lambda params, **_: calls.append(
            (len(params["MetricDataQueries"]), params["MetricDataQueries"][0]["MetricStat"]["Period"])
        ),
    )
    assert len(gathered(aws, days=100).last) == 4
    assert calls == [(8, 60), (4, 300), (4, 3600)]


def test_a_service_is_shown_without_the_others(account: tuple[SmallAccount, Account]) -> None:
    _, aws = account
    open_one(aws, "d-1", at(-3))
    open_one(aws, "d-2", at(-2), "orders")
    assert [shown.release.deployment_id for shown in gathered(aws).open] == ["d-2", "d-1"]
    assert [shown.release.deployment_id for shown in gathered(aws, service="payments").open] == ["d-1"]
    assert [shown.release.deployment_id for shown in gathered(aws, service="payments:live").open] == ["d-1"]
    assert gathered(aws, service="payments:test").open == ()


@pytest.mark.parametrize("state", [State.RETURNING, State.RETURNED])
def test_what_is_to_be_healed_is_shown_until_it_is_however_long_ago_it_was_released(
    account: tuple[SmallAccount, Account], state: State
) -> None:
    _, aws = account
    old = open_one(aws, "d-old", at(-60 * 1440))
    aws.ledger.finish(old, State.RELEASED, "", "", at(-60 * 1440 + 10))
    assert gathered(aws).wounds == ()
    aws.ledger.move(old, State.RETURNING, "an alarm rang", "functions/rollback")
    aws.ledger.move(old, state)
    assert [wound.deployment_id for wound in gathered(aws).wounds] == ["d-old"]
    assert gathered(aws, service="orders").wounds == ()
    aws.ledger.move(old, State.HEALED)
    assert gathered(aws).wounds == ()


def test_only_so_many_are_drawn_but_all_are_counted(account: tuple[SmallAccount, Account]) -> None:
    _, aws = account
    for number in range(4):
        one = open_one(aws, f"d-{number}", at(-30 * number - 30))
        aws.ledger.finish(one, State.RELEASED, "", "", at(-30 * number - 20))
    found = gathered(aws, last=1)
    assert [shown.release.deployment_id for shown in found.last] == ["d-0"]
    assert found.delivery.released == 4


def test_of_very_many_open_releases_the_newest_are_drawn_and_the_others_counted(
    account: tuple[SmallAccount, Account],
) -> None:
    _, aws = account
    for number in range(23):
        open_one(aws, f"d-{number}", at(-number))
    found = gathered(aws)
    assert [shown.release.deployment_id for shown in found.open] == [f"d-{number}" for number in range(20)]
    assert "3 more are open" in board_html.page(found)


def test_a_page_that_cannot_be_written_is_told_by_name(account: tuple[SmallAccount, Account], tmp_path: Path) -> None:
    _, aws = account
    with pytest.raises(AccountError, match=f"can't write {tmp_path}: "):
        command.write(tmp_path, aws.ledger, "")
    with pytest.raises(AccountError, match="service is 'a b'"):
        command.write(tmp_path / "board.html", aws.ledger, "a b")


def test_a_dashboard_that_asks_what_it_is_gets_markdown(account: tuple[SmallAccount, Account]) -> None:
    _, aws = account
    assert flow.show(aws, event("custom-widget-describe")).startswith("## Seatrial's board")


def test_a_dashboard_is_told_what_is_wrong_with_its_parameters(account: tuple[SmallAccount, Account]) -> None:
    _, aws = account
    assert "did you mean &#x27;days&#x27;?" in flow.show(aws, {"day": 3})


def test_a_dashboard_gets_the_board(account: tuple[SmallAccount, Account]) -> None:
    _, aws = account
    open_one(aws, "d-1", at(-3))
    assert "d-1" in Page(flow.show(aws, {"widgetContext": {"theme": "dark", "width": 588}})).text
