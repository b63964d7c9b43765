"""AfterAllowTraffic: the smoke cases once more, through the alias, the judge's verdict on the shift, and the bake."""

from functools import partial

from seatrial import wiring
from seatrial.core import story
from seatrial.core.gate import Report, first_refusal
from seatrial.flows import bake, smoke, verdict
from seatrial.flows.hook import HookCall, hook


@hook(wiring.connect(), "post_traffic")  # connected once per container
def handler(call: HookCall) -> Report:
    aws = call.aws
    release = bake.reached(aws, call.release)
    refusal = first_refusal(
        partial(smoke.check, aws, release, call.seconds_left),
        partial(verdict.after_the_shift, aws, release),
    )
    if refusal:
        return Report.failed(story.not_confirmed(release, refusal), refusal)
    return bake.begin(aws, release, call)
