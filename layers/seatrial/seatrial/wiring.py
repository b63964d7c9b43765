"""Settings become clients, clients become adapters: the one place that configures clients."""

# ruff: noqa: E402

from __future__ import annotations

import gc

# Nothing that is imported becomes garbage. Without this, the collector looks through all of it again and again, for an
# eighth of a cold start.
gc.disable()

import time

from aws_lambda_powertools import Logger
from botocore.config import Config

from seatrial import settings
from seatrial.aws.appconfig import AppConfig
from seatrial.aws.bus import Bus
from seatrial.aws.clients import Clients
from seatrial.aws.cloudwatch import CloudWatch
from seatrial.aws.codedeploy import CodeDeploy
from seatrial.aws.lambdas import CLIENT_CONFIG, Lambdas
from seatrial.aws.ledger import Ledger
from seatrial.aws.metrics import Metrics
from seatrial.aws.stacks import Stacks
from seatrial.aws.tagged import TaggedFunctions
from seatrial.aws.topic import Topic
from seatrial.flows.account import Account

# Short, so that a service that doesn't answer leaves a hook time for its own answer; several attempts, since
# CodeDeploy and Lambda throttle in the midst of a large deployment.
_SOON = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 5})

# The ledger and the topic answer in milliseconds or not at all, and an answer of a hook may wait for the ledger. And
# what is only told besides must not take the tick's time.
_AT_ONCE = Config(connect_timeout=2, read_timeout=4, retries={"mode": "standard", "total_max_attempts": 3})


def connect() -> Account:
    """Called once per container: reads the settings and calls nothing; each client is made when first used."""
    told = settings.read()
    clients = Clients()
    cloudwatch = clients.client("cloudwatch", _SOON)
    return Account(
        codedeploy=CodeDeploy(clients.client("codedeploy", _SOON), pause=time.sleep),
        appconfig=AppConfig(clients.client("appconfig", _SOON), told.arns_of("appconfig")),
        cloudwatch=CloudWatch(cloudwatch),
        metrics=Metrics(cloudwatch),
        lambdas=Lambdas(clients.client("lambda", CLIENT_CONFIG)),
        stacks=Stacks(clients.client("cloudformation", _AT_ONCE)),
        tagged=TaggedFunctions(clients.client("resourcegroupstaggingapi", _AT_ONCE)),
        ledger=Ledger(clients.client("dynamodb", _AT_ONCE), told.ledger_table, told.ledger_keeps),
        topic=Topic(clients.client("sns", _AT_ONCE), told.topic_arn),
        bus=Bus(clients.client("events", _AT_ONCE), told.bus_name),
        clock=told.clock,
        log=Logger(),
        dark_test_services=told.dark_test_services,
        foreign_alarms=told.foreign_alarms,
        home=told.home,
    )


# What is there now is never looked through again.
gc.freeze()
gc.enable()
