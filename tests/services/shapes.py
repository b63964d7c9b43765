"""Services after the shapes of public templates, each with what its two releases come to."""

from __future__ import annotations

from dataclasses import dataclass

from tests.services.releases import Service

FAILED, PASSED = "UPDATE_ROLLBACK_COMPLETE", "UPDATE_COMPLETE"
HOOK, ALARM, ROLE = "HOOK_EXECUTION_FAILURE", "ALARM_ACTIVE", "IAM_ROLE_PERMISSIONS"


@dataclass(frozen=True)
class Shape:
    """`good` and `bad` are the states that the stack ends in; `codes` are the errors of the bad release's deployments.

    A bad release that fails without a deployment has no codes.
    """

    service: Service
    good: str = PASSED
    bad: str = PASSED
    codes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.service.name


def _shape(name: str, shape: str, users: dict[str, str] | None = None, *, sam: bool = True, **ends: object) -> Shape:
    return Shape(Service(name, shape, {}, users or {}, sam=sam), **ends)  # type: ignore[arg-type]


SHAPES = (
    _shape("logged", "a metric filter on words", {"invoke": "Logged"}, bad=FAILED, codes=(ALARM,)),
    _shape("structured", "a metric filter on JSON", {"invoke": "Structured"}, bad=FAILED, codes=(ALARM,)),
    _shape("tutorial", "the hook of AWS's tutorial", {}, bad=FAILED, codes=(HOOK,)),
    _shape("constructs", "what CDK synthesizes", {}, sam=False, bad=FAILED, codes=(HOOK,)),
    _shape("reported", "destinations of the alias", {"topic": "Work"}, bad=FAILED, codes=(ALARM,)),
    _shape("snapped", "SnapStart that does not initialize", {}, bad=FAILED),
    _shape("shared", "an exported alias"),
    _shape("reached", "APIs and a URL with their permissions"),
    _shape("staged", "a state machine with an alias"),
    _shape("moved", "a queue that moves to the alias", {"queue": "Queue"}, sam=False),
    _shape("locked", "a role that may not read the alarms", good=FAILED, bad=FAILED, codes=(ROLE,)),
    _shape("flagged", "an AppConfig deployment beside the function"),
)
BY_NAME = {shape.name: shape for shape in SHAPES}
