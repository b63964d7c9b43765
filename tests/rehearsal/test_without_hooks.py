"""A release that has none of Seatrial's hooks, on the stage: seen, followed to its end, and compared with stable."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.stage import Stage
from seatrial.core.release import Release, State
from tests.rehearsal.shop import Shop, deployed, seatrial_on
from tests.services.releases import SAMCONFIG

pytestmark = pytest.mark.proof

WAY = ("opened", "shifting", "closed")
TEMPLATE = """AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Resources:
  Quiet:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: quiet
      Runtime: python3.13
      Handler: app.handler
      CodeUri: code/
      MemorySize: {memory}
      Environment: {{Variables: {variables}}}
      Tags: {{seatrial: released}}
      AutoPublishAlias: live
      AutoPublishAliasAllProperties: true
      DeploymentPreference: {{Type: Canary10Percent5Minutes}}
  Errors:
    Type: AWS::CloudWatch::Alarm
    Properties:
      Namespace: AWS/Lambda
      MetricName: Errors
      Statistic: Sum
      Period: 60
      EvaluationPeriods: 1
      Threshold: {threshold}
      ComparisonOperator: GreaterThanThreshold
"""


class Quiet(Shop):
    def release(self, memory: int, variables: str, threshold: int) -> None:
        folder = self.sources
        (folder / "code").mkdir(exist_ok=True)
        (folder / "code" / "app.py").write_text(f"def handler(event, context):\n    return {memory}\n")
        text = TEMPLATE.format(memory=memory, variables=variables, threshold=threshold)
        (folder / "template.yaml").write_text(text)
        (folder / "samconfig.toml").write_text(SAMCONFIG)
        self.sam.build(folder)
        deployed(self.deploy(folder, "quiet"))


@pytest.fixture
def shop(stage: Stage, tmp_path: Path) -> Iterator[Quiet]:
    sam, ledger = seatrial_on(stage)
    yield Quiet(stage, sam, tmp_path, ledger)
    sam.stop()
    assert [call for call in stage.calls() if not call["allowed"]] == []


def sentence(shop: Quiet, release: Release, kind: str) -> str:
    (found,) = [step.sentence for step in shop.ledger.steps(release.deployment_id) if step.kind == kind]
    return found


def test_a_release_without_hooks_is_seen_followed_and_compared(shop: Quiet) -> None:
    shop.release(128, "{TABLE: refunds}", 10)
    shop.release(256, "{TABLE: payments, FEES: 'on'}", 5)
    release = shop.reaches("quiet", State.RELEASED)
    shop.until("it is compared", lambda: "besides" in shop.kinds(release))
    kinds = [step.kind for step in shop.ledger.steps(release.deployment_id)]
    assert [kind for kind in kinds if kind in WAY] == list(WAY)
    assert sentence(shop, release, "shifting") == "quiet:live: users begin to meet version 2"
    besides = sentence(shop, release, "besides")
    assert besides.startswith(
        "quiet:live: version 2 changes besides its code: memory 128 MB → 256 MB, variable FEES added, variable TABLE "
        "changed. The update of stack quiet changes so far "
    )
    assert "Alarm Errors (update)" in besides
