"""The services of this folder: what is special about each, how users reach it, and who refuses its bad release."""

from __future__ import annotations

from tests.services.releases import Service

HOOK, ALARM = "HOOK_EXECUTION_FAILURE", "ALARM_ACTIVE"

SERVICES = (
    Service(
        "orders",
        "API; hooks by Ref before and after; the alarm watches the candidate alone, so it changes in the same update",
        {"orders-Orders": ALARM},
        {"url": "Url"},
    ),
    Service(
        "seven",
        "seven functions in one update; the hook looks the release up with GetApplicationRevision",
        {"seven-Four": HOOK},
        {"invoke": "One"},
    ),
    Service(
        "mailer",
        "queue on the alias; own role, custom configuration, hook by literal name, an alarm that doesn't exist, "
        "reserved concurrency",
        {"mailer-Mailer": HOOK},
        {"queue": "Queue"},
    ),
    Service(
        "feed",
        "stream, topic and schedule on the alias; a list of alarms that ends up empty; the hook comes after the shift",
        {"feed-Feed": HOOK},
        {"topic": "Topic", "table": "Table"},
    ),
    Service(
        "web",
        "HTTP API; layer; two transforms; preference from a mapping; hook by ARN; versions for all properties",
        {"web-Web": HOOK},
        {"url": "Url"},
    ),
    Service("node", "nodejs; the alarm watches the alias", {"node-Node": ALARM}, {"invoke": "Node"}),
    Service(
        "assembled",
        "no SAM: nothing named, version ids that change and versions that are deleted, custom linear configuration, "
        "hook by the ARN of its alias",
        {"assembled-Function": HOOK},
        {"invoke": "Function"},
        sam=False,
    ),
    Service(
        "classic",
        "no SAM: two aliases of one function, retained versions, conditions in the group, a topic that is told",
        {"classic-prod-hello:live": ALARM},
        {"invoke": "Function"},
        sam=False,
    ),
    Service(
        "adopter",
        "hook by ImportValue of another stack's alias; preference in Globals with the function's condition passed on",
        {"adopter-Quotes": HOOK},
        {"invoke": "Quotes"},
        needs="hooks",
    ),
    Service(
        "pinned",
        "no SAM: the version comes from an SSM parameter; SnapStart, provisioned concurrency, Fn::ForEach",
        {"pinned-Function": HOOK},
        {"invoke": "Function"},
        sam=False,
    ),
    Service(
        "measured",
        "alarms of metric math, an anomaly band, a percentile, a metric that nobody writes, and one that isn't there",
        {"measured-Measured": ALARM},
        {"invoke": "Measured"},
    ),
    Service(
        "links",
        "function URL, a schedule of the scheduler's own and a rule on the alias; provisioned concurrency; no retries",
        {"links-Links": HOOK},
        {"url": "Url", "bus": "links"},
    ),
    Service(
        "nested",
        "the alias stands in a nested application, which gets its configuration as a parameter",
        {"nested-Thumbs": ALARM},
        {"invoke": "Function"},
    ),
)
BY_NAME = {service.name: service for service in SERVICES}
