"""Rollbacks that take more than one `sam deploy` to tell: the bake, the guard and its healing, the fix lane."""

from __future__ import annotations

import json
from collections.abc import Iterator
from threading import Event, Thread

import pytest

from rehearsal.sam import PROJECT
from rehearsal.stage import Stage
from rehearsal.traffic import Traffic
from seatrial.core.release import State
from tests.on_stage import HOUR
from tests.rehearsal.shop import Meanwhile, Shop, deployed, seatrial_on

pytestmark = pytest.mark.proof

SHOPS = ("guarded", "baked", "mended", "timed", "forgotten")


@pytest.fixture(scope="module")
def shop(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    sam, ledger = seatrial_on(stage)
    shop = Shop(stage, sam, tmp_path_factory.mktemp("sources"), ledger)
    v1 = shop.build("v1", "v1")
    for service in SHOPS:
        deployed(sam.deploy(v1, service))
    yield shop
    sam.stop()
    assert [call for call in stage.calls() if not call["allowed"]] == []


def test_a_late_rollback_is_healed_with_shifting_off_and_then_on_and_the_next_release_goes_out(shop: Shop) -> None:
    service = "guarded"
    v2 = shop.build("good", "v2")
    deployed(shop.deploy(v2, service))
    shop.reaches(service, State.RELEASED)
    assert shop.live(service) == "2"

    traffic = Traffic(shop.stage, [f"{service}:live"], per_minute=40)
    try:
        shop.until("users on the candidate", lambda: any(s.version == "2" for s in traffic.served()))
        shop.ring(service)
        returned = shop.reaches(service, State.RETURNED)
        back = shop.stage.clock().epoch()
        shop.until("users after the return", lambda: sum(s.t > back for s in traffic.served()) >= 12)
        assert {s.version for s in traffic.served() if s.t > back} == {"1"}
    finally:
        traffic.stop()
    assert shop.live(service) == "1"
    assert shop.stack(service) == "UPDATE_COMPLETE", "CloudFormation believes that version 2 is live"
    assert any("until it is healed: check out the code of version 1" in sentence for sentence in shop.told(returned))
    shop.until("a nag within the hour", lambda: "nag" in shop.kinds(returned), 2 * HOUR)

    v3 = shop.build("good", "v3")
    refused = shop.deploy(v3, service)
    assert not refused.ok
    shop.until(
        "the ledger tells what AWS said", lambda: "does not match the current version" in shop.last_reason(service)
    )
    assert shop.serves(service) == {"1"}, "whatever CloudFormation believes"

    v1_again = shop.build("v1", "v1-again")
    deployed(shop.deploy(v1_again, service, {"Shifting": "off"}))
    shop.until("it is healed", lambda: shop.ledger.release(returned.deployment_id).state is State.HEALED)
    deployed(shop.deploy(v1_again, service, {"Shifting": "on"}))
    assert len(shop.serves(service)) == 1

    deployed(shop.deploy(shop.build("good", "v4"), service, {"Shifting": "on"}))
    last = shop.reaches(service, State.RELEASED)
    assert shop.serves(service) == {last.candidate}
    assert shop.stack(service) == "UPDATE_COMPLETE"


def test_an_alarm_in_the_bake_takes_the_deployment_and_the_stack_back_together(shop: Shop) -> None:
    service = "baked"
    shop.stage.poll_alarms(shop.group(service)["deploymentGroupName"], on=False)  # it may be first, and knows no bake
    deploying = Meanwhile(shop, shop.build("good", "baked-v2"), service)
    baking = shop.reaches(service, State.BAKING)
    assert shop.serves(service) == {"2"}
    shop.ring(service)
    assert not deploying.ended().ok
    release = shop.reaches(service, State.TAKEN_BACK)
    assert release.deployment_id == baking.deployment_id
    assert release.reason.startswith(f"alarm {shop.alarm(service)} rang")
    assert (shop.live(service), shop.stack(service)) == ("1", "UPDATE_ROLLBACK_COMPLETE")
    assert shop.serves(service) == {"1"}


def test_alarm_event_stops_the_deployment_once(shop: Shop) -> None:
    service, clock = "timed", shop.stage.clock()
    deploying = Meanwhile(shop, shop.build("good", "timed-v2"), service)
    release = shop.reaches(service, State.SHIFTING)
    shop.until("users come", lambda: any(one["kind"] == "weights" for one in shop.records_of(release)))

    def arrives(state: str) -> None:
        alarm = {"alarmName": shop.alarm(service), "state": {"value": state, "reason": "users complain"}}
        alarm["state"]["timestamp"] = clock.now().isoformat()
        told = json.loads((PROJECT / "events" / "alarm.json").read_text()) | {"detail": alarm}
        shop.stage.client("lambda").invoke(
            FunctionName="seatrial-rollback", Qualifier="live", Payload=json.dumps(told).encode()
        )

    arrives("OK")
    assert not [one for one in shop.records_of(release) if one.get("what") == "stop"]
    arrives("ALARM")
    assert len([one for one in shop.records_of(release) if one.get("what") == "stop"]) == 1
    assert not deploying.ended().ok
    assert shop.serves(service) == {"1"}


def test_the_fix_goes_out_while_the_alarm_rings(shop: Shop) -> None:
    service = "mended"
    enough = Event()

    def users_complain() -> None:
        """What the bad release left behind goes on failing, whichever version answers."""
        dimensions = [{"Name": "service", "Value": service}]
        for _ in shop.stage.time.turns(20, "users who complain"):
            if enough.is_set():
                return
            shop.stage.client("cloudwatch").put_metric_data(
                Namespace="Seatrial",
                MetricData=[{"MetricName": "BadOutcomes", "Dimensions": dimensions, "Value": 5}],
            )

    def rings() -> bool:
        (found,) = shop.stage.client("cloudwatch").describe_alarms(AlarmNames=[shop.alarm(service)])["MetricAlarms"]
        return bool(found["StateValue"] == "ALARM")

    complaining = Thread(target=users_complain)
    bad = Meanwhile(shop, shop.build("fails-for-some", "mended-v2"), service)
    shop.reaches(service, State.SHIFTING)
    complaining.start()
    try:
        assert not bad.ended().ok
        shop.reaches(service, State.TAKEN_BACK)
        shop.until("the alarm rings on", rings)

        blocked = shop.deploy(shop.build("good", "mended-v3"), service)
        assert not blocked.ok, "CodeDeploy begins nothing under a ringing alarm"

        shop.on_call("Hold Requested", service=service)
        shop.until("it is held", lambda: shop.ledger.holds.standing())
        shop.on_call("Fix Granted", service=service, minutes=240)
        shop.until("the group's alarms are off", lambda: not shop.group(service)["alarmConfiguration"]["enabled"])
        shop.until(
            "that was read back",
            lambda: (found := shop.ledger.grants.last(f"{service}:live")) and found.stand == "open",
        )
        deployed(shop.deploy(shop.build("good", "mended-v4"), service))
        assert rings(), "it still rings"
    finally:
        enough.set()
        shop.stage.time.advance(20)
        complaining.join()
    fix = shop.reaches(service, State.RELEASED)
    assert fix.fix == "on-call@example.com: rehearsed"
    assert shop.serves(service) == {fix.candidate}
    shop.until("the alarms are on again", lambda: shop.group(service)["alarmConfiguration"]["enabled"])
    assert shop.alarm(service) in [one["name"] for one in shop.group(service)["alarmConfiguration"]["alarms"]]
    shop.on_call("Hold Released", service=service)
    shop.until("it is resumed", lambda: not shop.ledger.holds.standing())


def test_while_everything_is_held_a_release_is_refused_with_the_words_of_who_holds_it(shop: Shop) -> None:
    service = "baked"
    shop.on_call("Hold Requested", all=True, reason="the bank is closed")
    shop.until("all is held", lambda: shop.ledger.holds.standing())
    held = shop.build("good", "baked-v3")
    refused = shop.deploy(held, service)
    assert not refused.ok
    release = shop.reaches(service, State.REFUSED)
    assert "on-call@example.com holds every service" in release.reason
    assert "the bank is closed" in release.reason
    shop.on_call("Hold Released", all=True)
    shop.until("it is resumed", lambda: not shop.ledger.holds.standing())
    unchanged = shop.deploy(held, service)
    assert not unchanged.ok, "Lambda publishes no version of what it has published last"
    events = shop.stage.client("cloudformation").describe_stack_events(StackName=service)["StackEvents"]
    assert any("A version for this Lambda function exists" in one.get("ResourceStatusReason", "") for one in events)
    deployed(shop.deploy(held, service, {"Deploy": "2"}))
    assert shop.serves(service) == {shop.reaches(service, State.RELEASED).candidate}


def test_without_seatrial_a_bake_ends_after_codedeploys_hour_and_users_are_back(shop: Shop) -> None:
    """Nobody answers the hook: the tick and every event are switched off."""
    service = "forgotten"
    deploying = Meanwhile(shop, shop.build("good", "forgotten-v2"), service)
    shop.reaches(service, State.BAKING)
    events = shop.stage.client("events")
    rules = [rule["Name"] for rule in events.list_rules()["Rules"]]
    for rule in rules:
        events.disable_rule(Name=rule)
    try:
        assert not deploying.ended().ok
    finally:
        for rule in rules:
            events.enable_rule(Name=rule)
    assert (shop.live(service), shop.stack(service)) == ("1", "UPDATE_ROLLBACK_COMPLETE")
    assert shop.serves(service) == {"1"}
    assert shop.reaches(service, State.TAKEN_BACK).by
