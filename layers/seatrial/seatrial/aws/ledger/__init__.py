"""The ledger: the DynamoDB table of releases and of what happened to each, in order.

    pk                  sk                      what
    release#d-123       release                 the head: the release itself, its state, reason and alarms
    release#d-123       step#KIND#DISCRIMINATOR something that happened
    release#d-123       foreign-alarm#DIGEST    an alarm that it does not name went to ALARM during it
    alarm#NAME          release#d-123           a copy of the head, for as long as the alarm may take the release back
    alarm#NAME          taken-back#FUNCTION:ALIAS   when the alarm last took a release of that service back
    tick                left                    which releases the last tick did not come to
    hold                FUNCTION, FUNCTION:ALIAS or *   a hold, or that one was lifted
    fix                 FUNCTION:ALIAS          the last grant of the fix lane
    notice#FUNCTION:ALIAS   KIND#DIGEST         something that was told of a service apart from any release
    request#EVENT       answer                  what was done about an on-call request
    flag#A/ENV/PROFILE  step#N#KIND#DISCRIMINATOR   something that happened to a flag's deployment N

Heads are in the index `service`; those that somebody must still look at (open, guarded or not healed) also in the
sparse index `open`, so that a tick with nothing to do costs one query. Everything is a conditional write: what arrives
twice is written once, and what arrives late takes no state backwards.

`releases` moves a release forward and has its copies follow, `reading` finds it again. Each other module is one kind of
item: `heads`, `steps`, `alarm_index`, `holds`, `grants`, `requests`,
`foreign_alarms`, `flags`, `notices`; `table` is DynamoDB itself.
"""

from seatrial.aws.ledger.reading import ReleaseUnknownError
from seatrial.aws.ledger.releases import Ending, Ledger

__all__ = ["Ending", "Ledger", "ReleaseUnknownError"]
