"""What the command line needs of an account: Seatrial's stack in it, found by name."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from cli import refusals
from cli.terminal import AccountError
from seatrial import settings
from seatrial.aws.clients import Clients
from seatrial.aws.codedeploy import CodeDeploy
from seatrial.aws.ledger import Ledger
from seatrial.aws.metrics import Metrics
from seatrial.aws.tagged import TaggedFunctions
from seatrial.core.service_names import Known

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient


# The name of the bus in template.yaml, for a role that may send events and read nothing.
BUS = "seatrial"


@dataclass(frozen=True)
class Installed:
    """Seatrial's stack in this account and Region.

    `readable` is False where the role may only send events: then the ledger can't be read. `pause` waits so many
    seconds between two looks at the ledger.
    """

    ledger: Ledger
    bus: str
    events: EventBridgeClient
    clients: Clients = field(default_factory=Clients)
    readable: bool = True
    pause: Callable[[float], None] = time.sleep

    def services(self) -> tuple[Known, ...]:
        """The functions that carry Seatrial's tag. Raises ClientError and BotoCoreError."""
        return TaggedFunctions(self.clients.client("resourcegroupstaggingapi")).all()

    @property
    def metrics(self) -> Metrics:
        return Metrics(self.clients.client("cloudwatch"))

    @property
    def codedeploy(self) -> CodeDeploy:
        return CodeDeploy(self.clients.client("codedeploy"), pause=time.sleep)

    def send(self, detail_type: str, detail: Mapping[str, Any]) -> str:
        """Put an on-call event on Seatrial's bus. Its id. Raises AccountError when the bus does not take it."""
        answer = self.events.put_events(
            Entries=[
                {
                    "Source": "seatrial.oncall",
                    "DetailType": detail_type,
                    "Detail": json.dumps(dict(detail)),
                    "EventBusName": self.bus,
                }
            ]
        )
        (result,) = answer["Entries"]
        if answer["FailedEntryCount"]:
            raise AccountError(
                f"the bus {self.bus} did not take the event: {result.get('ErrorMessage', 'no reason given')}"
            )
        return result["EventId"]


def find(stack: str, *, to_send: bool = False) -> Installed:
    """Raises AccountError with what to do when there is no such stack, or no credentials.

    `to_send`: a role that may only send events is enough, as the on-call policy alone allows it.
    """
    clients = Clients(settings.region())
    try:
        (described,) = clients.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}
        return Installed(
            ledger=Ledger(clients.client("dynamodb"), outputs["LedgerTable"], timedelta(days=1)),
            bus=outputs["BusName"],
            events=clients.client("events"),
            clients=clients,
        )
    except KeyError as missing:
        raise AccountError(f"stack {stack} has no output {missing}: is it Seatrial's? Name it with --stack") from None
    except (BotoCoreError, ClientError) as error:
        if to_send and refusals.is_denied(error):
            ledger = Ledger(clients.client("dynamodb"), "", timedelta(days=1))
            return Installed(ledger, BUS, clients.client("events"), clients, readable=False)
        if "does not exist" in str(error):
            raise AccountError(
                f"there is no stack {stack} in this account and Region. Next: name it with --stack"
            ) from None
        raise AccountError(refusals.sentence(error)) from None
