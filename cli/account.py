"""What the command line needs of an account: Seatrial's stack in it, found by name."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from cli.terminal import AccountError
from seatrial.aws.clients import Clients
from seatrial.aws.codedeploy import CodeDeploy
from seatrial.aws.ledger import Ledger
from seatrial.aws.metrics import Metrics

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient


@dataclass(frozen=True)
class Installed:
    """Seatrial's stack in this account and Region."""

    ledger: Ledger
    bus: str
    events: EventBridgeClient
    clients: Clients = field(default_factory=Clients)

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


def find(stack: str) -> Installed:
    """Raises AccountError with what to do when there is no such stack, or no credentials."""
    clients = Clients()
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
        raise AccountError(
            f"can't read stack {stack}: {error}. Check the credentials, AWS_REGION and --stack"
        ) from None
