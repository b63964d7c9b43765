"""Suites, responses, deployments, tags and events that were made to harm, by hand and by chance."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Any

CASE = "cases:\n - name: a\n   smoke: true\n   event: {}\n"
DEEP = "[" * 100_000 + "]" * 100_000
DIGITS = "1" + "0" * 400
CATASTROPHE = r"^(\w+-?)+$"


@dataclass(frozen=True)
class Hostile:
    """What one team's service brings: its suite, the bytes that it responds, its AppSpec (None: an honest one).

    `stored` are settings as an older version of Seatrial may have put them into the ledger, `event` is one that
    somebody sends over the bus.
    """

    suite: str = CASE
    response: bytes = b'{"statusCode": 200}'
    appspec: str | None = None
    tags: dict[str, str] = field(default_factory=lambda: {"seatrial": "released"})
    stored: dict[str, Any] | None = None
    event: dict[str, Any] | None = None
    ended: bool = False  # its deployment has succeeded, so that its guard is on


def expects(path: str, right: str = "1") -> str:
    return f"{CASE}   expect:\n     ? '{path}'\n     : {right}\n"


def judged(**settings: Any) -> Hostile:
    return Hostile(stored={"bake": 0.0, "guard": 3600.0, "judge": settings})


BY_HAND: dict[str, Hostile] = {
    "guard of 7,000 years": Hostile(f"{CASE}release: {{guard: 70000000h}}\n"),
    "guard of many digits": Hostile(f"{CASE}release: {{guard: {'9' * 400}h}}\n"),
    "bake of a year": Hostile(f"{CASE}release: {{bake: 9000h}}\n"),
    "worse_than 1e308": Hostile(f"{CASE}judge: {{worse_than: 1e308}}\n"),
    "worse_than of 400 digits": Hostile(f"{CASE}judge: {{worse_than: {DIGITS}}}\n"),
    "false_alarms of nearly nothing": Hostile(f"{CASE}judge: {{false_alarms: 0.{'0' * 400}1%}}\n"),
    "warm_up of a year": Hostile(f"{CASE}judge: {{warm_up: 9000h}}\n"),
    "min_requests of 400 digits": Hostile(f"{CASE}judge: {{min_requests: {DIGITS}}}\n"),
    "metric name of 300 characters": Hostile(f"{CASE}judge: {{metrics: [{{bad: 'Shop:{'b' * 300}', of: a}}]}}\n"),
    "metric name in Greek": Hostile(f"{CASE}judge: {{metrics: [{{bad: 'Shop:ελλ', of: a}}]}}\n"),
    "1,000 metrics": Hostile(f"{CASE}judge: {{metrics: [{', '.join(['{bad: a, of: b}'] * 1000)}]}}\n"),
    "300 alarms": Hostile(f"{CASE}release: {{alarms: [{', '.join(f'a{n}' for n in range(300))}]}}\n"),
    "alarm of 3,000 characters": Hostile(f"{CASE}release: {{alarms: ['{'a' * 3000}']}}\n"),
    "window of nowhere": Hostile(f"{CASE}release: {{windows: ['Mon 09:00-10:00 Nowhere/Land']}}\n"),
    "window of a folder": Hostile(f"{CASE}release: {{windows: ['Mon 09:00-10:00 Europe']}}\n"),
    "window after midnight": Hostile(f"{CASE}release: {{windows: ['Mon 24:30-24:59 UTC']}}\n"),
    "1,000 parentheses": Hostile(expects("(" * 1000 + "response" + ")" * 1000)),
    "1,000 nots": Hostile(expects("!" * 1000 + "response")),
    "path that doubles its value": Hostile(expects("response" + "|[@,@][]" * 40)),
    "ceil of infinity": Hostile(expects("ceil(response.x)"), b'{"x": Infinity}'),
    "response of 400 digits": Hostile(expects("response.x", "{about: 1.5, within: 5%}"), f'{{"x": {DIGITS}}}'.encode()),
    "response of 5,000 digits": Hostile(response=f'{{"x": {"1" * 5000}}}'.encode()),
    "response nested 100,000 deep": Hostile(response=DEEP.encode()),
    "response with NaN": Hostile(response=b'{"x": NaN}'),
    "response that is not UTF-8": Hostile(response=b'{"x": "\xff\xfe"}'),
    "response with half a character": Hostile(expects("response.x", "b"), b'{"x": "\\ud800"}'),
    "response of a million lists": Hostile(response=b"[" + b"[]," * 1_000_000 + b"[]]"),
    "response of 6 MB": Hostile(expects("response.x", "b"), b'{"x": "' + b"a" * 6_000_000 + b'"}'),
    "body nested 100,000 deep": Hostile(f"defaults: {{body: json}}\n{CASE}", json.dumps({"body": DEEP}).encode()),
    "number of 400 digits": Hostile(expects("response.x", DIGITS)),
    "catastrophic pattern": Hostile(
        expects("response.x", "{matches: '" + CATASTROPHE + "'}"), b'{"x": "' + b"x" * 60 + b'!"}'
    ),
    "pattern of 3,000 groups": Hostile(expects("response.x", "{matches: '" + "(" * 3000 + ")" * 3000 + "'}")),
    "pattern that repeats 5,000,000,000 times": Hostile(expects("response.x", "{matches: 'a{1,5000000000}'}")),
    "suite nested 3,000 deep": Hostile("[" * 3000),
    "suite of a megabyte": Hostile(CASE + "#" + "x" * 1_000_000),
    "table of 2,000 rows": Hostile(
        "cases:\n - name: a $a\n   event: {}\n   table: [" + ", ".join(f"{{a: {n}}}" for n in range(2000)) + "]\n"
    ),
    "1,200 failing expectations": Hostile(
        CASE + "   expect: {" + ", ".join(f"response.a{n}: 1" for n in range(1200)) + "}\n"
    ),
    "100 failing expectations": Hostile(
        CASE + "   expect: {" + ", ".join(f"response.a{n}: 1" for n in range(100)) + "}\nrelease: {dry_run: true}\n"
    ),
    "suite with half a character": Hostile(CASE + '   expect: {log: "\\ud800"}\n'),
    "suite with a NUL": Hostile(CASE + '   expect: {log: "a\\0b"}\n'),
    "no YAML": Hostile("\t: {"),
    "AppSpec nested 100,000 deep": Hostile(appspec=DEEP),
    "AppSpec of a version of 5,000 digits": Hostile(appspec=json.dumps({"Resources": [{"a": {"Properties": {
        "Name": "payments", "Alias": "live", "CurrentVersion": "7", "TargetVersion": "9" * 5000}}}]})),
    "AppSpec of an odd name": Hostile(appspec=json.dumps({"Resources": [{"a": {"Properties": {
        "Name": "arn:odd", "Alias": "live", "CurrentVersion": "7", "TargetVersion": "8"}}}]})),
    "commit in the year 1": Hostile(tags={"seatrial": "released", "seatrial:committed": "0001-01-01T00:00:00+14:00"}),
    "stored guard of 7,000 years": Hostile(stored={"bake": 1e300, "guard": 2.52e11, "judge": {}}),
    "stored guard of 7,000 years, on": Hostile(stored={"guard": 2.52e11, "judge": {}}, ended=True),
    "stored worse_than 1e308": judged(worse_than=1e308),
    "stored metric name of 300 characters": judged(metrics=[{"bad": "Shop:" + "b" * 300, "of": "Shop:a"}]),
    "stored settings of no sense": judged(worse_than="a", slow=7, metrics=3, min_requests=None, warm_up=float("nan")),
    "stored settings that are no JSON": Hostile(stored={"broken": True}),
}  # fmt: skip


def by_chance(chance: random.Random) -> Hostile:
    """A suite of odd values in odd places, with an odd response."""
    number = chance.choice([0, -1, 1e308, 10**400, 1e-300, 101, 0.5])
    duration = f"{chance.choice([0, 1, 10 ** chance.randrange(1, 40)])}{chance.choice(['ms', 's', 'm', 'h'])}"
    text = "".join(chance.choices("ab(\\w+-?)*[]{}|$ é\u202e\n\x00", k=chance.choice([1, 20, 600])))
    settings = {
        "judge": chance.choice(["worse_than", "min_requests", "warm_up", "false_alarms", "slow", "metrics"]),
        "release": chance.choice(["bake", "guard", "windows", "alarms", "dry_run"]),
    }
    written = {
        section: {key: chance.choice([number, duration, text, [text], [{"bad": text, "of": "a"}], True, None])}
        for section, key in settings.items()
        if chance.random() < 0.5
    }
    path = chance.choice(["response.x", "ceil(response.x)", "response|[@,@]|[@,@]", "length(response)", text])
    right: Any = chance.choice([number, text, {"matches": text}, {"about": number, "within": "5%"}, {"type": text}])
    case = {"name": chance.choice(["a", text]), "smoke": True, "event": {"x": text}, "expect": {path: right}}
    suite = json.dumps({"cases": [case], **written}, ensure_ascii=chance.random() < 0.5)
    response = chance.choice(
        [b"", b"{}", b'{"x": 1}', b'{"x": Infinity}', b"\xff", DEEP.encode(), json.dumps({"x": text}).encode()]
    )
    return Hostile(suite, response, event=odd_event(chance))


def odd_event(chance: random.Random) -> dict[str, Any]:
    """An on-call request with an odd value in an odd place."""
    deep: Any = []
    for _ in range(5_000):
        deep = [deep]
    odd = chance.choice(
        [10**400, -1, 1e308, True, None, "", "x" * 100_000, "\u202e\n", "\ud800", deep, {"a": deep}, []]
    )
    kind = chance.choice(["Rollback Requested", "Hold Released", "Fix Granted", "Dark Test Requested"])
    detail: dict[str, Any] = {"service": "hostile-0", "reason": "a reason", "who": "somebody"}
    if kind == "Fix Granted":
        detail["minutes"] = 30
    sent: dict[str, Any] = {
        "id": "e-1", "source": "seatrial.oncall", "detail-type": kind, "time": "2026-11-23T10:00:00Z", "detail": detail,
    }  # fmt: skip
    if chance.random() < 0.3:
        return sent | {chance.choice(["time", "detail", "detail-type", "region", "resources"]): odd}
    return sent | {"detail": detail | {chance.choice([*detail, "release", "flag", "all", "x" * 300]): odd}}
