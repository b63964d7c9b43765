"""What a flow can reach: the adapters of one account and Region, the clock and the log."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from aws_lambda_powertools import Logger

from seatrial.aws.appconfig import AppConfig
from seatrial.aws.bus import Bus
from seatrial.aws.cloudwatch import CloudWatch
from seatrial.aws.codedeploy import CodeDeploy
from seatrial.aws.lambdas import Lambdas
from seatrial.aws.ledger import Ledger
from seatrial.aws.metrics import Metrics
from seatrial.aws.stacks import Stacks
from seatrial.aws.tagged import TaggedFunctions
from seatrial.aws.topic import Topic
from seatrial.core.events import Home
from seatrial.settings import Clock


@dataclass(frozen=True)
class Account:
    """`dark_test_services` are those whose smoke cases are asked on schedule. `foreign_alarms`: whether subscribers are
    told of alarms that no release names."""

    codedeploy: CodeDeploy
    appconfig: AppConfig
    cloudwatch: CloudWatch
    metrics: Metrics
    lambdas: Lambdas
    stacks: Stacks
    tagged: TaggedFunctions
    ledger: Ledger
    topic: Topic
    bus: Bus
    clock: Clock
    log: Logger
    dark_test_services: tuple[str, ...] = ()
    foreign_alarms: bool = True
    home: Home = field(default_factory=Home)

    def within_one_call(self) -> Account:
        """The account as one hook call sees it: a function, a version and a deployment group are each read once.

        Made anew for each call, so that a container keeps nothing from one call to the next.
        """
        return replace(self, codedeploy=self.codedeploy.within_one_call(), lambdas=self.lambdas.within_one_call())
