"""AfterAllowTraffic: the smoke cases once more, through the alias, the judge's verdict on the shift, and the bake."""

from functools import partial

from seatrial import wiring
from seatrial.core import story
from seatrial.core.gate import Report, first_refusal
from seatrial.flows import bake, preflight, smoke, verdict
from seatrial.flows.hook import HookCall, hook

aws = wiring.connect()  # once per container


@hook(aws, "post_traffic")
def handler(call: HookCall) -> Report:
    release = preflight.admitted(aws, call.deployment)  # opened long ago, unless pre_traffic is not among the hooks
    release = bake.reached(aws, release)
    refusal = first_refusal(
        partial(smoke.check, aws, release, call.seconds_left),
        partial(verdict.after_the_shift, aws, release),
    )
    if refusal:
        return Report.failed(story.not_confirmed(release, refusal), refusal)
    return bake.begin(aws, release, call)
