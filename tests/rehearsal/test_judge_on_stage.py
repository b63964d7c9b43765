"""The judge on the stage: what no alarm notices goes back, and an outage that both versions meet takes nothing back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from rehearsal.sam import source_of
from rehearsal.stage import Stage
from rehearsal.traffic import Traffic
from seatrial.core.release import Release, State
from tests.rehearsal.shop import Meanwhile, Shop, deployed, seatrial_on, until

pytestmark = pytest.mark.proof

MINUTE = 12.0
A_MINUTE = 96.0
"""Requests a minute of this stage; half of them meet the candidate."""

PATIENCE = 25 * MINUTE

# The alarm rings at 90 bad outcomes a minute, which no version here comes to.
LONG, SHORT = ({"ShiftType": shift, "AlarmAt": "90"} for shift in ("HalfForLong", "HalfForShort"))

# Of 50 customers in a row the first few are failed, and every other one while the outage lasts. The suite's is not.
FAILING = """

from pathlib import Path

_of = of


def of(event):
    customer = _of(event)
    number = int(customer.name[2:] or 0) if customer.name else 1
    if (number + 40) % 50 < {failing} or (number % 2 == 0 and Path({outage!r}).exists()):
        raise RuntimeError("the customer's shard is gone")
    return customer
"""


class Judged(Shop):
    """Payments services that are released to half of their users at first."""

    outage: Path

    def version(self, name: str, failing: int, *, high_resolution: bool = False, judge: str = "") -> Path:
        """A version that answers 500 to `failing` of 50 customers."""
        folder = source_of("v1", name, self.sources)
        customers = folder / "function" / "customers.py"
        customers.write_text(customers.read_text() + FAILING.format(failing=failing, outage=str(self.outage)))
        suite = folder / "function" / "seatrial" / "suite.yaml"
        suite.write_text(suite.read_text() + "\nrelease: {bake: 2m}\n" + judge)
        if high_resolution:
            app = folder / "function" / "app.py"
            app.write_text(app.read_text().replace("@outcome\n", "@outcome(high_resolution=True)\n"))
        self.sam.build(folder)
        return folder

    @contextmanager
    def users(self, service: str) -> Iterator[Traffic]:
        traffic = Traffic(self.stage, [f"{service}:live"], per_minute=A_MINUTE)
        try:
            until("users", lambda: sum(s.function == service for s in traffic.served()) > A_MINUTE / 6, PATIENCE)
            yield traffic
        finally:
            traffic.stop()

    def reaches(self, service: str, state: State, patience: float = PATIENCE) -> Release:
        try:
            return super().reaches(service, state, patience)
        except AssertionError:
            last = self.last(service)
            print(f"{service} is {last.state if last else 'unknown'}:", *(self.told(last) if last else ()), sep="\n")
            raise

    def minutes_of(self, release: Release) -> float:
        return (self.stage.clock().now() - release.opened_at) / timedelta(minutes=1)

    def rang(self, service: str) -> list[str]:
        alarms = (one for one in self.stage.records() if one["kind"] == "alarm" and one["alarm"] == self.alarm(service))
        return [str(one["new"]) for one in alarms if one["new"] == "ALARM"]

    def verdicts(self, release: Release) -> list[str]:
        return [step.sentence for step in self.ledger.steps(release.deployment_id) if step.kind == "verdict"]

    def lambda_errors(self, release: Release) -> float:
        """That Lambda itself counts of the candidate."""
        dimensions = {
            "FunctionName": release.function,
            "Resource": release.service,
            "ExecutedVersion": release.candidate,
        }
        found = self.stage.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName="Errors",
            Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
            StartTime=release.opened_at,
            EndTime=self.stage.clock().now(),
            Period=3600,
            Statistics=["Sum"],
        )
        return sum((point["Sum"] for point in found["Datapoints"]), 0.0)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judged]:
    with Stage(minute=MINUTE) as stage:
        sam, ledger = seatrial_on(stage)
        sources = tmp_path_factory.mktemp("sources")
        shop = Judged(stage, sam, sources, ledger)
        shop.outage = sources / "outage"
        for name, minutes in (("HalfForLong", 25), ("HalfForShort", 8)):
            canary = {"canaryPercentage": 50, "canaryInterval": minutes}
            stage.client("codedeploy").create_deployment_config(
                deploymentConfigName=name,
                computePlatform="Lambda",
                trafficRoutingConfig={"type": "TimeBasedCanary", "timeBasedCanary": canary},
            )
        yield shop
        sam.stop()
        assert [call for call in stage.calls() if not call["allowed"]] == []


def test_a_version_five_times_worse_is_taken_back_by_the_judge_while_the_alarm_stays_silent(shop: Judged) -> None:
    """What it does to its users are 500s, of which Lambda counts none."""
    service = "worse"
    deployed(shop.sam.deploy(shop.version("worse-v1", failing=4), service, LONG))
    folder = shop.version("worse-v2", failing=20)
    with shop.users(service) as traffic:
        deploying = Meanwhile(shop, folder, service, **LONG)
        release = shop.reaches(service, State.TAKEN_BACK, PATIENCE)
        print(f"taken back after {shop.minutes_of(release):.1f} minutes: {release.reason}")
        assert not deploying.ended().ok
        bad = [s.bad for s in traffic.served() if s.version == "2"]
    assert sum(bad) / len(bad) > 0.2, "users did meet it"
    assert (release.by, shop.rang(service)) == ("functions/monitor", [])
    assert release.reason.startswith("the judge finds it worse: outcomes worse since minute ")
    assert shop.lambda_errors(release) == 0
    assert len(shop.verdicts(release)) == 1
    assert (shop.live(service), shop.stack(service)) == ("1", "UPDATE_ROLLBACK_COMPLETE")
    assert shop.serves(service) == {"1"}


def test_an_outage_that_both_versions_meet_takes_nothing_back(shop: Judged) -> None:
    service = "struck"
    deployed(shop.sam.deploy(shop.version("struck-v1", failing=2), service, SHORT))
    folder = shop.version("struck-v2", failing=2)
    with shop.users(service) as traffic:
        deploying = Meanwhile(shop, folder, service, **SHORT)
        shifting = shop.reaches(service, State.SHIFTING, PATIENCE)
        until("users on the candidate", lambda: any(s.version == "2" for s in traffic.served()), PATIENCE)
        began = shop.stage.clock().epoch()
        shop.outage.touch()
        until("three minutes of outage", lambda: shop.stage.clock().epoch() - began > 180, PATIENCE)
        shop.outage.unlink()
        over = shop.stage.clock().epoch()
        deployed(deploying.ended())
        release = shop.reaches(service, State.RELEASED, PATIENCE)
        met = [s for s in traffic.served() if s.function == service and began < s.t < over]
    for version in ("1", "2"):
        bad = [s.bad for s in met if s.version == version]
        assert sum(bad) / len(bad) > 0.25, f"version {version} met the outage"
    assert release.deployment_id == shifting.deployment_id
    assert "going back" not in shop.kinds(release)
    print(*shop.verdicts(release), sep="\n")
    assert not any(" worse: " in sentence for sentence in shop.verdicts(release))
    assert shop.serves(service) == {"2"}


def test_with_a_high_resolution_what_fails_most_is_gone_within_its_first_minute_or_soon_after(shop: Judged) -> None:
    service = "quick"
    stable = shop.version("quick-v1", failing=2, high_resolution=True)
    deployed(shop.sam.deploy(stable, service, SHORT))
    folder = shop.version("quick-v2", failing=41, high_resolution=True, judge="judge: {warm_up: 0}\n")
    with shop.users(service):
        deploying = Meanwhile(shop, folder, service, **SHORT)
        release = shop.reaches(service, State.TAKEN_BACK, PATIENCE)
        assert not deploying.ended().ok
    records = shop.records_of(release)
    met = next(one["t"] for one in records if one["kind"] == "weights")
    (stopped,) = [one["t"] for one in records if one.get("what") == "stop"]
    print(f"stopped after {stopped - met:.0f} seconds: {release.reason}")
    assert release.reason.startswith("the judge finds it worse: outcomes worse since minute ")
    # The first tick that begins after users met it looks within its minute, and the second has that minute whole.
    third_tick = (met // 60 + 3) * 60
    assert stopped < third_tick
    assert shop.rang(service) == []
