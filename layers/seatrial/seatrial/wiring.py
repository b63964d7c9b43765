"""Settings become clients, clients become adapters: the one place where clients are made."""

from __future__ import annotations

import time
from functools import partial

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config

from seatrial import settings
from seatrial.aws.appconfig import AppConfig
from seatrial.aws.bus import Bus
from seatrial.aws.cloudwatch import CloudWatch
from seatrial.aws.codedeploy import CodeDeploy
from seatrial.aws.lambdas import CLIENT_CONFIG, Lambdas
from seatrial.aws.ledger import Ledger
from seatrial.aws.metrics import Metrics
from seatrial.aws.stacks import Stacks
from seatrial.aws.topic import Topic
from seatrial.flows.account import Account

# Short, so that a service that doesn't answer leaves a hook time for its own answer; several attempts, since
# CodeDeploy and Lambda throttle in the midst of a large deployment.
_SOON = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 5})

# The ledger and the topic answer in milliseconds or not at all, and an answer of a hook may wait for the ledger. And
# what is only told besides must not take the tick's time.
_AT_ONCE = Config(connect_timeout=2, read_timeout=4, retries={"mode": "standard", "total_max_attempts": 3})


def connect() -> Account:
    """Called once per container: reads the settings, makes the clients, calls nothing."""
    told = settings.read()
    session = boto3.Session()
    cloudwatch = session.client("cloudwatch", config=_SOON)
    return Account(
        codedeploy=CodeDeploy(session.client("codedeploy", config=_SOON), pause=time.sleep),
        appconfig=AppConfig(partial(session.client, "appconfig", config=_SOON), told.arns_of("appconfig")),
        cloudwatch=CloudWatch(cloudwatch),
        metrics=Metrics(cloudwatch),
        lambdas=Lambdas(session.client("lambda", config=CLIENT_CONFIG)),
        stacks=Stacks(partial(session.client, "cloudformation", config=_AT_ONCE)),
        ledger=Ledger(session.client("dynamodb", config=_AT_ONCE), told.ledger_table, told.ledger_keeps),
        topic=Topic(session.client("sns", config=_AT_ONCE), told.topic_arn),
        bus=Bus(session.client("events", config=_AT_ONCE), told.bus_name),
        clock=told.clock,
        log=Logger(),
        dark_test_services=told.dark_test_services,
    )
