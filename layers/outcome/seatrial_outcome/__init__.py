"""Counts what the requests of a Lambda function came to for its users: good or bad.

    from seatrial_outcome import mark_bad, outcome

    @outcome
    def handler(event, context):
        ...

Lambda counts an error only when a handler raises. A 500 in a proxy response, a failed item of a batch and an answer
that came too late are bad for the user all the same. The decorator prints one line of CloudWatch's embedded metric
format for each invoke; alarms and the judge read the metrics `Requests` and `BadOutcomes` that CloudWatch makes of it.
"""

from .dark import is_dark
from .recorder import mark_bad
from .wrapper import outcome

__all__ = ["is_dark", "mark_bad", "outcome"]
