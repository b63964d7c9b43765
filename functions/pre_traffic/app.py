"""BeforeAllowTraffic: tries the candidate in the dark and lets the release begin, or refuses it."""

from functools import partial

from seatrial import wiring
from seatrial.core import story
from seatrial.core.gate import Report, first_refusal
from seatrial.flows import dark_trial, fix_lane, holds, preflight
from seatrial.flows.hook import HookCall, hook


@hook(wiring.connect(), "pre_traffic")  # connected once per container
def handler(call: HookCall) -> Report:
    aws = call.aws
    release = fix_lane.claim(aws, call.release)
    refusal = first_refusal(  # what is held is never invoked
        partial(holds.check, aws, release),
        partial(preflight.rolls_back_by_itself, aws, release),
        partial(dark_trial.check, aws, release, call.execution_id, call.seconds_left),
    )
    if refusal:
        return Report.failed(story.refused(release, refusal), refusal)
    preflight.let_begin(aws, release)  # before the answer: an alarm may ring as soon as users come
    return Report.succeeded(story.passed(release))
