"""Gap of MiniStack: types of resources that it doesn't know make a whole template undeployable.

Here those that change no release are taken without being done, and each is told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services.cloudformation import provisioners

from rehearsal.stage.notes import note

type Provisioned = tuple[str, dict[str, str]]

TAKEN: Mapping[str, str] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": "scales nothing",
    "AWS::ApplicationAutoScaling::ScalingPolicy": "scales nothing",
    "AWS::ApplicationInsights::Application": "gives no insights",
    "AWS::Budgets::Budget": "counts no money",
    "AWS::Chatbot::MicrosoftTeamsChannelConfiguration": "tells no channel",
    "AWS::Chatbot::SlackChannelConfiguration": "tells no channel",
    "AWS::CloudWatch::AnomalyDetector": "trains no model",
    "AWS::CloudWatch::InsightRule": "counts no contributors",
    "AWS::CodeStarNotifications::NotificationRule": "sends no notifications",
    "AWS::Events::Archive": "archives no events",
    "AWS::IAM::ServiceLinkedRole": "needs no role of a service's own",
    "AWS::Lambda::CodeSigningConfig": "checks no signatures",
    "AWS::Logs::QueryDefinition": "keeps no queries",
    "AWS::ResourceGroups::Group": "groups no resources",
    "AWS::ServiceCatalogAppRegistry::Application": "registers nothing",
    "AWS::ServiceCatalogAppRegistry::ResourceAssociation": "registers nothing",
    "AWS::XRay::Group": "traces nothing",
    "AWS::XRay::SamplingRule": "traces nothing",
}


def _create(kind: str, does: str) -> Callable[[str, Mapping[str, Any], str], Provisioned]:
    service = kind.split("::")[1].lower()

    def create(logical_id: str, properties: Mapping[str, Any], stack: str) -> Provisioned:
        note(f"{kind} {logical_id} is taken, and the stage {does}")
        name = str(provisioners._physical_name(stack, logical_id))
        return name, {"Arn": f"arn:aws:{service}:{get_region()}:{get_account_id()}:{name}", "Id": name}

    return create


def _update(physical_id: str, old: Any, new: Any, stack: str) -> Provisioned:
    return physical_id, {}


def _delete(physical_id: str, properties: Any) -> None:
    """Nothing is there."""


def install() -> None:
    """Teach MiniStack's CloudFormation these types; one that it knows by now is left to it."""
    for kind, does in TAKEN.items():
        taken = {"create": _create(kind, does), "update": _update, "delete": _delete}
        provisioners._RESOURCE_HANDLERS.setdefault(kind, taken)
